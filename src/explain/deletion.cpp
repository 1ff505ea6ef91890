#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "explain/attribution.h"
#include "fovea/error.h"
#include "fovea/explain_checks.h"

namespace fovea::explain {

namespace {

// Standard deviation of the blur that insertion starts from, as a fraction of the input's longer side.
constexpr double blur = 0.05;

// Pixels, those of the highest values first.
std::vector<int64_t> by_importance(const Probe& probe, const Tensor& map) {
  const Shape& input = probe.input_shape();
  if (input.rank() != 4 || !(map.shape() == Shape{input[1], input[2]})) {
    throw Error(ErrorKind::usage, fmt::format("the map must have a value for each pixel of {}, got {}",
                                              to_string(input.without_batch()), to_string(map.shape())));
  }
  std::vector<int64_t> order(static_cast<size_t>(map.size()));
  std::iota(order.begin(), order.end(), int64_t{0});
  std::ranges::stable_sort(order, std::ranges::greater(), [&](int64_t i) { return map[i]; });
  return order;
}

// Along one axis, of `count` elements `stride` apart; the edge's values go on beyond it.
void blur_line(float* values, int64_t count, int64_t stride, std::span<const double> bell, std::vector<float>& line) {
  line.resize(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) line[static_cast<size_t>(i)] = values[i * stride];
  const auto reach = std::ssize(bell) / 2;
  for (int64_t i = 0; i < count; ++i) {
    double sum = 0;
    for (int64_t k = -reach; k <= reach; ++k) {
      sum += bell[static_cast<size_t>(k + reach)] * line[static_cast<size_t>(std::clamp<int64_t>(i + k, 0, count - 1))];
    }
    values[i * stride] = static_cast<float>(sum);
  }
}

Tensor blurred(Tensor x) {
  const int64_t height = x.shape()[1];
  const int64_t width = x.shape()[2];
  const int64_t channels = x.shape()[3];
  const double sigma = std::max(0.5, blur * static_cast<double>(std::max(height, width)));
  const auto reach = static_cast<int64_t>(std::ceil(3 * sigma));
  std::vector<double> bell;
  for (int64_t k = -reach; k <= reach; ++k) bell.push_back(std::exp(-static_cast<double>(k * k) / (2 * sigma * sigma)));
  const double sum = std::accumulate(bell.begin(), bell.end(), 0.0);
  for (double& weight : bell) weight /= sum;
  std::vector<float> line;
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t c = 0; c < channels; ++c) blur_line(x.data() + y * width * channels + c, width, channels, bell, line);
  }
  for (int64_t i = 0; i < width * channels; ++i) blur_line(x.data() + i, height, width * channels, bell, line);
  return x;
}

// Pixels of `to` take the place of those of `from`, in the map's order.
Curve replace(Probe& probe, const Tensor& from, const Tensor& to, const Score& score, const Tensor& map,
              int64_t steps) {
  check_input(probe, from);
  check_class(probe, score, "a deletion or insertion curve");
  if (steps < 1) throw Error(ErrorKind::usage, fmt::format("a curve needs at least 1 step, got {}", steps));
  const std::vector<int64_t> order = by_importance(probe, map);
  const int64_t channels = from.shape()[3];
  Curve curve;
  probe.scores(
      steps + 1,
      [&](int64_t step, std::span<float> input) {
        std::ranges::copy(from.values(), input.begin());
        const int64_t replaced = map.size() * step / steps;
        for (int64_t i = 0; i < replaced; ++i) {
          const int64_t pixel = order[static_cast<size_t>(i)] * channels;
          std::copy_n(to.data() + pixel, channels, input.begin() + pixel);
        }
      },
      [&](int64_t, std::span<const float> logits) {
        curve.probabilities.push_back(softmax(logits)[static_cast<size_t>(score.index)]);
      });
  const std::vector<double>& p = curve.probabilities;
  const double ends = (p.front() + p.back()) / 2;
  curve.area = (std::accumulate(p.begin(), p.end(), 0.0) - ends) / static_cast<double>(steps);
  return curve;
}

}  // namespace

Curve deletion(Probe& probe, const Tensor& x, const Score& score, const Tensor& map, int64_t steps) {
  return replace(probe, x, Tensor(x.shape()), score, map, steps);
}

Curve insertion(Probe& probe, const Tensor& x, const Score& score, const Tensor& map, int64_t steps) {
  check_input(probe, x);
  if (x.shape().rank() != 4) by_importance(probe, map);  // says why
  return replace(probe, blurred(x), x, score, map, steps);
}

}  // namespace fovea::explain
