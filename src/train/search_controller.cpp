#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/error.h"
#include "fovea/random.h"
#include "fovea/search.h"

namespace fovea {

SearchController::SearchController(SearchSpace space, uint64_t seed, double rate)
    : space_(std::move(space)), seed_(seed), rate_(rate) {
  check_space(space_);
  size_t before = 1;
  for (const SearchAxis& axis : space_) {
    if (axis.kind != SearchAxis::Kind::choice) {
      throw Error(ErrorKind::usage,
                  fmt::format("search: a controller chooses among words, '{}' is a range: list its values", axis.name));
    }
    logits_.emplace_back(before, std::vector<double>(axis.choices.size()));
    before = axis.choices.size();
  }
}

std::vector<double> SearchController::probabilities(size_t axis, size_t before) const {
  std::vector<double> result = logits_[axis][before];
  const double highest = *std::ranges::max_element(result);
  double sum = 0;
  for (double& p : result) sum += p = std::exp(p - highest);
  for (double& p : result) p /= sum;
  return result;
}

size_t SearchController::index_of(size_t axis, const std::string& choice) const {
  const std::vector<std::string>& choices = space_[axis].choices;
  const auto found = std::ranges::find(choices, choice);
  if (found == choices.end()) {
    throw Error(ErrorKind::usage, fmt::format("search: '{}' is no choice for '{}'", choice, space_[axis].name));
  }
  return static_cast<size_t>(found - choices.begin());
}

Setting SearchController::sample(int64_t trial) const {
  const Random random = Random(seed_).substream(static_cast<uint64_t>(trial));
  Setting setting;
  size_t before = 0;
  for (size_t axis = 0; axis < space_.size(); ++axis) {
    const std::vector<double> chances = probabilities(axis, before);
    double left = random.uniform(axis);
    size_t chosen = 0;
    while (chosen + 1 < chances.size() && left >= chances[chosen]) left -= chances[chosen++];
    setting.push_back(space_[axis].choices[chosen]);
    before = chosen;
  }
  return setting;
}

Setting SearchController::likeliest() const {
  Setting setting;
  size_t before = 0;
  for (size_t axis = 0; axis < space_.size(); ++axis) {
    const std::vector<double>& logits = logits_[axis][before];
    before = static_cast<size_t>(std::ranges::max_element(logits) - logits.begin());
    setting.push_back(space_[axis].choices[before]);
  }
  return setting;
}

void SearchController::learn(const Setting& setting, double reward) {
  if (setting.size() != space_.size()) {
    throw Error(ErrorKind::usage,
                fmt::format("search: a setting of {} choices for {} axes", setting.size(), space_.size()));
  }
  std::vector<size_t> chosen;
  for (size_t axis = 0; axis < space_.size(); ++axis) chosen.push_back(index_of(axis, setting[axis]));
  ++rewards_;
  const double difference = reward - mean_;
  mean_ += difference / static_cast<double>(rewards_);
  squares_ += difference * (reward - mean_);
  const double deviation = std::sqrt(squares_ / static_cast<double>(rewards_));
  if (rewards_ == 1) baseline_ = reward;
  const double advantage = deviation > 0 ? (reward - baseline_) / deviation : 0;
  baseline_ = 0.9 * baseline_ + 0.1 * reward;
  size_t before = 0;
  for (size_t axis = 0; axis < chosen.size(); ++axis) {
    const std::vector<double> chances = probabilities(axis, before);
    std::vector<double>& logits = logits_[axis][before];
    for (size_t k = 0; k < logits.size(); ++k) {
      logits[k] += rate_ * advantage * ((k == chosen[axis] ? 1.0 : 0.0) - chances[k]);
    }
    before = chosen[axis];
  }
}

}  // namespace fovea
