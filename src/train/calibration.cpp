#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "fovea/error.h"
#include "fovea/metrics.h"

namespace fovea {

namespace {

void check_counts(const char* what, size_t first, size_t second) {
  if (first == second) return;
  throw Error(ErrorKind::usage, fmt::format("{}: {} numbers for {} items", what, first, second));
}

}  // namespace

double roc_auc(std::span<const float> scores, const std::vector<bool>& positive) {
  check_counts("AUC", scores.size(), positive.size());
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return scores[i]; });
  // The sum of the positive items' ranks, from 1; items of equal score share the mean of theirs.
  double ranks = 0;
  double positives = 0;
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    double among = 0;
    while (end < order.size() && scores[order[end]] == scores[order[begin]]) among += positive[order[end++]] ? 1 : 0;
    ranks += among * static_cast<double>(begin + 1 + end) / 2;
    positives += among;
  }
  const double negatives = static_cast<double>(scores.size()) - positives;
  if (positives == 0 || negatives == 0) return std::numeric_limits<double>::quiet_NaN();
  return (ranks - positives * (positives + 1) / 2) / (positives * negatives);
}

Calibration calibrate(std::span<const float> confidence, const std::vector<bool>& right, int bins) {
  check_counts("calibration", confidence.size(), right.size());
  if (bins < 1) throw Error(ErrorKind::usage, fmt::format("calibration needs at least 1 bin, got {}", bins));
  Calibration result;
  result.bins.resize(static_cast<size_t>(bins));
  for (size_t i = 0; i < confidence.size(); ++i) {
    const int at = static_cast<int>(std::ceil(static_cast<double>(confidence[i]) * bins)) - 1;
    CalibrationBin& bin = result.bins[static_cast<size_t>(std::clamp(at, 0, bins - 1))];
    ++bin.count;
    bin.confidence += confidence[i];
    bin.accuracy += right[i] ? 1 : 0;
  }
  for (CalibrationBin& bin : result.bins) {
    if (bin.count == 0) continue;
    const auto count = static_cast<double>(bin.count);
    bin.confidence /= count;
    bin.accuracy /= count;
    const double error = std::abs(bin.accuracy - bin.confidence);
    result.expected_error += error * count / static_cast<double>(confidence.size());
    result.largest_error = std::max(result.largest_error, error);
  }
  return result;
}

}  // namespace fovea
