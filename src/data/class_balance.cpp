#include "fovea/class_balance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data/packed.h"
#include "fovea/error.h"

namespace fovea {

namespace {

std::vector<std::vector<int64_t>> items_by_class(const Dataset& dataset) {
  std::vector<std::vector<int64_t>> items(dataset.class_names().size());
  for (int64_t i = 0; i < dataset.size(); ++i) items[static_cast<size_t>(dataset.label(i))].push_back(i);
  return items;
}

}  // namespace

std::vector<int64_t> class_counts(const Dataset& dataset) {
  std::vector<int64_t> counts(dataset.class_names().size());
  for (int64_t i = 0; i < dataset.size(); ++i) ++counts[static_cast<size_t>(dataset.label(i))];
  return counts;
}

std::vector<std::string> class_warnings(const Dataset& dataset, std::string_view part) {
  const std::vector<int64_t> counts = class_counts(dataset);
  std::vector<std::string> empty;
  std::vector<std::string> single;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) empty.push_back(dataset.class_names()[i]);
    if (counts[i] == 1) single.push_back(dataset.class_names()[i]);
  }
  std::vector<std::string> lines;
  if (!empty.empty()) lines.push_back(fmt::format("{} no picture in the {} part", name_classes(empty), part));
  if (!single.empty()) lines.push_back(fmt::format("{} a single picture in the {} part", name_classes(single), part));
  return lines;
}

std::vector<float> class_weights(const Dataset& dataset) {
  const std::vector<int64_t> counts = class_counts(dataset);
  const auto filled = std::count_if(counts.begin(), counts.end(), [](int64_t n) { return n > 0; });
  std::vector<float> weights;
  for (const int64_t count : counts) {
    const double share = static_cast<double>(filled) * static_cast<double>(count);
    weights.push_back(count == 0 ? 0.0F : static_cast<float>(static_cast<double>(dataset.size()) / share));
  }
  return weights;
}

std::vector<int64_t> balanced_order(const Dataset& dataset, const Random& random) {
  std::vector<std::vector<int64_t>> classes = items_by_class(dataset);
  std::erase_if(classes, [](const auto& items) { return items.empty(); });
  std::vector<size_t> drawn(classes.size());
  std::vector<int64_t> order;
  for (int64_t i = 0; i < dataset.size(); ++i) {
    const size_t chosen = random.below(static_cast<uint64_t>(i), classes.size());
    std::vector<int64_t>& items = classes[chosen];
    const size_t place = drawn[chosen]++ % items.size();
    if (place == 0) {
      const Random own = random.substream(chosen + 1);
      shuffle(items, own.substream(drawn[chosen] / items.size()));
    }
    order.push_back(items[place]);
  }
  return order;
}

std::pair<std::vector<int64_t>, std::vector<int64_t>> stratified_split(const Dataset& dataset, double fraction,
                                                                       uint64_t seed) {
  if (!(fraction >= 0 && fraction < 1)) {
    throw Error(ErrorKind::usage,
                fmt::format("the validation fraction must be at least 0 and below 1, got {}", fraction));
  }
  std::vector<int64_t> training;
  std::vector<int64_t> validation;
  const std::vector<std::vector<int64_t>> classes = items_by_class(dataset);
  for (size_t c = 0; c < classes.size(); ++c) {
    std::vector<int64_t> items = classes[c];
    shuffle(items, Random(seed).substream(c));
    const auto count = static_cast<int64_t>(items.size());
    int64_t held_out = 0;
    if (fraction > 0 && count > 1) {
      held_out = std::clamp<int64_t>(std::llround(fraction * static_cast<double>(count)), 1, count - 1);
    }
    validation.insert(validation.end(), items.begin(), items.begin() + held_out);
    training.insert(training.end(), items.begin() + held_out, items.end());
  }
  if (fraction > 0 && (validation.empty() || training.empty())) {
    throw Error(ErrorKind::usage,
                fmt::format("a validation fraction of {} leaves {} of {} items for validation and {} for training",
                            fraction, validation.size(), dataset.size(), training.size()));
  }
  std::sort(training.begin(), training.end());
  std::sort(validation.begin(), validation.end());
  return {std::move(training), std::move(validation)};
}

std::pair<std::vector<int64_t>, std::vector<int64_t>> stratified_fold(const Dataset& dataset, int64_t folds,
                                                                      int64_t fold, uint64_t seed) {
  if (folds < 2 || folds > dataset.size() || fold < 1 || fold > folds) {
    throw Error(ErrorKind::usage, fmt::format("fold {} of {} of {} items: expected 2 to {} folds, and one of them",
                                              fold, folds, dataset.size(), dataset.size()));
  }
  const Random random(seed, 0x666f6c6473);  // "folds"
  std::vector<int64_t> others;
  std::vector<int64_t> own;
  int64_t dealt = 0;
  uint64_t number = 0;
  std::vector<std::vector<int64_t>> classes = items_by_class(dataset);
  for (std::vector<int64_t>& items : classes) {
    shuffle(items, random.substream(number++));
    for (const int64_t item : items) (dealt++ % folds == fold - 1 ? own : others).push_back(item);
  }
  std::ranges::sort(others);
  std::ranges::sort(own);
  return {std::move(others), std::move(own)};
}

}  // namespace fovea
