#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// Search for the settings of a network and its training: what is tried, and what is tried next.
namespace fovea {

// One number or word to be found.
struct SearchAxis {
  enum class Kind {
    uniform,      // low .. high
    log_uniform,  // low .. high, evenly over the logarithm; low > 0
    integer,      // low .. high, whole numbers, both included
    choice,       // one of `choices`
  };
  std::string name{};
  Kind kind = Kind::uniform;
  double low = 0;
  double high = 0;
  std::vector<std::string> choices{};

  bool operator==(const SearchAxis&) const = default;
};

using SearchSpace = std::vector<SearchAxis>;
// A value for each axis, as it stands on a command line; numbers have five digits.
using Setting = std::vector<std::string>;

// Throws Error(usage) naming the axis that makes no sense.
void check_space(const SearchSpace& space);

// The trial's setting, drawn independently along each axis (Bergstra & Bengio 2012, Random search for hyper-parameter
// optimization): a function of space, seed and trial alone.
Setting random_setting(const SearchSpace& space, uint64_t seed, int64_t trial);

// All combinations of `points` values of each range, its ends included, and of all choices; the last axis runs fastest.
// Throws Error(usage) for points < 2, or more than 100,000 combinations.
std::vector<Setting> grid_settings(const SearchSpace& space, int points);

struct ScoredSetting {
  Setting setting;
  double score = 0;  // the higher the better
};

// The part of the space that is worth a finer look: each range from the least to the greatest value among the best
// quarter of the settings (two at least), widened by a tenth of the old range at both ends, within the old range; each
// choice that one of the best has. Throws Error(usage) without settings.
SearchSpace narrow(const SearchSpace& space, std::vector<ScoredSetting> tried);

// Draws networks and learns from how well they did: a policy over sequences of choices, one for each axis in turn,
// trained by REINFORCE (Williams 1992) as in Zoph & Le 2017, Neural architecture search with reinforcement learning.
// Each choice has probabilities of its own after each choice before it: a table where the paper has a recurrent
// network.
//   logits += rate A (chosen - probabilities),   A = (reward - baseline) / deviation of the rewards so far
// with the moving mean (by 0.9) of the rewards as baseline.
class SearchController {
 public:
  // Throws Error(usage) unless every axis is a choice.
  SearchController(SearchSpace space, uint64_t seed, double rate = 0.2);

  // A function of what was learned so far, seed and trial.
  Setting sample(int64_t trial) const;
  // Throws Error(usage) for a setting that is not of this space.
  void learn(const Setting& setting, double reward);
  // The likeliest choice after the likeliest before it.
  Setting likeliest() const;

 private:
  std::vector<double> probabilities(size_t axis, size_t before) const;
  size_t index_of(size_t axis, const std::string& choice) const;

  SearchSpace space_;
  uint64_t seed_;
  double rate_;
  std::vector<std::vector<std::vector<double>>> logits_;  // of each axis: {choices of the one before, own choices}
  int64_t rewards_ = 0;
  double baseline_ = 0;
  double mean_ = 0, squares_ = 0;  // of the rewards (Welford)
};

}  // namespace fovea
