#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "fovea/search.h"

namespace fovea::cli {

// What a search does, as a TOML file says:
//   [search]  method, trials, epochs (a number, or a list with one for each round), points, keep, folds, seed
//   [train]   flags of `fovea train` without --; {NAME} in a text stands for an axis of the space
//   [space]   the axes: NAME = {log = [1e-4, 1e-1]}, {uniform = [0, 0.9]}, {integer = [16, 64]} or {choice = [...]};
//             those that stand in no text are flags of `fovea train`
//   [[row]]   of the method rows, in place of [space]: its name, and flags of `fovea train` that hold from this row on
struct SearchRecipe {
  enum class Method { random, grid, refine, halving, reinforce, rows };
  using Flags = std::vector<std::pair<std::string, std::string>>;
  Method method = Method::random;
  int64_t trials = 20;                // of the first round
  std::vector<int64_t> epochs = {5};  // of the trials of each round
  int points = 3;                     // of a grid, on each axis
  int64_t keep = 3;                   // of halving: one in so many goes on
  int64_t folds = 1;                  // 1: no cross-validation
  uint64_t seed = 0;
  Flags flags{};              // of [train]
  SearchSpace space{};        // of rows: one axis, their names
  std::vector<Flags> rows{};  // what each changes
  std::string text{};         // all that results depend on: the trials may become more

  // The flags of a trial: `fovea train` + these.
  std::vector<std::string> arguments(const Setting& setting) const;
};

// Throws as parse_toml does; Error(usage) naming file and key for what makes no sense.
SearchRecipe read_search_recipe(const std::string& file);

}  // namespace fovea::cli
