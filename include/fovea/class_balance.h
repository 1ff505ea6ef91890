#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/data.h"
#include "fovea/random.h"

namespace fovea {

// What is done about classes of which there are many more pictures than of others.
enum class ClassBalance {
  none,
  weights,   // the loss of a picture counts by its class's weight (see class_weights); needs the cross-entropy
  sampling,  // each item of an epoch is drawn from a class chosen evenly (see balanced_order)
};

// How many items each class has.
std::vector<int64_t> class_counts(const Dataset& dataset);

// Lines about classes with no picture or a single one: "class a has a single picture in the train part".
std::vector<std::string> class_warnings(const Dataset& dataset, std::string_view part);

// items / (classes x items of the class), so that the weights of all items add up to their number; 0 for classes
// without items.
std::vector<float> class_weights(const Dataset& dataset);

// As many items as the data set has, each drawn from a class chosen evenly among those that have any; the items of a
// class come in shuffled rounds, so that each is drawn as often as the others.
std::vector<int64_t> balanced_order(const Dataset& dataset, const Random& random);

// Draws round(fraction * n) of the n items of each class for validation, decided by the seed, at least one where a
// class has two or more and none of a single one: {training, validation}, both ascending. With fraction 0 all are for
// training. Throws Error(usage) unless 0 <= fraction < 1 and, with fraction > 0, both parts get an item.
std::pair<std::vector<int64_t>, std::vector<int64_t>> stratified_split(const Dataset& dataset, double fraction,
                                                                       uint64_t seed);

// Fold `fold` (from 1) of `folds` parts for k-fold cross-validation, decided by the seed: {all others, the fold}, both
// ascending. Items are dealt to the folds in turn, class after class, so that folds are equal up to one item, in all
// and of each class. Throws Error(usage) unless 2 <= folds <= items and 1 <= fold <= folds.
std::pair<std::vector<int64_t>, std::vector<int64_t>> stratified_fold(const Dataset& dataset, int64_t folds,
                                                                      int64_t fold, uint64_t seed);

}  // namespace fovea
