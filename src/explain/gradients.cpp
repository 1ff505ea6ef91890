// Attributions that are gradients with respect to the input: as they are, by other rules for ReLUs, or averaged.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "explain/attribution.h"
#include "fovea/error.h"
#include "fovea/parallel.h"
#include "fovea/random.h"
#include "graph/relu_backward.h"

namespace fovea::explain {

namespace {

Tensor of_one(const Tensor& x) { return x.reshaped(x.shape().without_batch()); }

void add(std::span<const float> values, double weight, std::vector<double>& sum) {
  for (size_t i = 0; i < values.size(); ++i) sum[i] += weight * values[i];
}

Tensor ruled_gradient(Probe& probe, const Tensor& x, const Score& score, ReluBackward rule, const char* method) {
  const Graph& graph = probe.model().graph();
  const std::vector<bool> reached = ancestors(graph, scored_node(probe, score));
  bool any = false;
  for (size_t i = 0; i < reached.size(); ++i) {
    any = any || (reached[i] && graph.nodes()[i].op && is_relu(*graph.nodes()[i].op));
  }
  if (!any) {
    throw Error(ErrorKind::usage,
                fmt::format("{} changes how gradients pass through ReLUs, and this network has none", method));
  }
  return of_one(probe.gradient(x, score, "", rule).gradient);
}

}  // namespace

Tensor gradient(Probe& probe, const Tensor& x, const Score& score) { return of_one(probe.gradient(x, score).gradient); }

Tensor gradient_times_input(Probe& probe, const Tensor& x, const Score& score) {
  Tensor result = gradient(probe, x, score);
  for (int64_t i = 0; i < result.size(); ++i) result[i] *= x[i];
  return result;
}

Tensor guided_backprop(Probe& probe, const Tensor& x, const Score& score) {
  return ruled_gradient(probe, x, score, ReluBackward::guided, "guided backpropagation");
}

Tensor deconvnet(Probe& probe, const Tensor& x, const Score& score) {
  return ruled_gradient(probe, x, score, ReluBackward::deconvnet, "the deconvolutional network");
}

Tensor smooth_grad(Probe& probe, const Tensor& x, const Score& score, const SmoothGradOptions& options) {
  check_input(probe, x);
  if (options.samples < 1 || !(options.noise >= 0 && std::isfinite(options.noise))) {
    throw Error(ErrorKind::usage,
                fmt::format("SmoothGrad needs at least 1 sample and noise of 0 or more, got {} and {}", options.samples,
                            options.noise));
  }
  const auto [low, high] = std::ranges::minmax(x.values());
  const auto deviation = static_cast<float>(options.noise * (high - low));
  std::vector<double> sum(static_cast<size_t>(x.size()));
  probe.gradients(
      options.samples, score, "", ReluBackward::gradient,
      [&](int64_t sample, std::span<float> input) {
        const Random random(options.seed, static_cast<uint64_t>(sample));
        parallel_for(x.size(), 8192, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            input[static_cast<size_t>(i)] = x[i] + deviation * random.normal(static_cast<uint64_t>(i));
          }
        });
      },
      [&](int64_t, const Probe::Gradient& gradient) { add(gradient.gradient, 1, sum); });
  Tensor mean(x.shape().without_batch());
  for (int64_t i = 0; i < mean.size(); ++i) {
    mean[i] = static_cast<float>(sum[static_cast<size_t>(i)] / static_cast<double>(options.samples));
  }
  return mean;
}

IntegratedGradients integrated_gradients(Probe& probe, const Tensor& x, const Score& score,
                                         const IntegratedGradientsOptions& options) {
  check_input(probe, x);
  const Tensor baseline = options.baseline.empty() ? Tensor(x.shape()) : options.baseline;
  check_input(probe, baseline);
  if (!(options.tolerance > 0) || options.max_steps < 1) {
    throw Error(ErrorKind::usage,
                fmt::format("integrated gradients need a tolerance above 0 and at least 1 step, got {} and {}",
                            options.tolerance, options.max_steps));
  }
  std::vector<double> sum(static_cast<size_t>(x.size()));  // of the gradients at all points so far, the ends by half
  std::vector<double> ends(2);                             // the score at the baseline and at x
  // The points (first + i) / parts, i < count, of the line.
  const auto add_points = [&](int64_t count, double first, int64_t parts) {
    const auto place = [&](int64_t i) { return (first + static_cast<double>(i)) / static_cast<double>(parts); };
    probe.gradients(
        count, score, "", ReluBackward::gradient,
        [&](int64_t i, std::span<float> input) {
          const auto t = static_cast<float>(place(i));
          for (size_t k = 0; k < input.size(); ++k) {
            const auto at = static_cast<int64_t>(k);
            input[k] = baseline[at] + t * (x[at] - baseline[at]);
          }
        },
        [&](int64_t i, const Probe::Gradient& gradient) {
          const bool is_end = place(i) == 0 || place(i) == 1;
          if (is_end) ends[place(i) == 1 ? 1 : 0] = gradient.score;
          add(gradient.gradient, is_end ? 0.5 : 1, sum);
        });
  };

  IntegratedGradients result{.attribution = Tensor(x.shape().without_batch()),
                             .steps = std::min<int64_t>(16, options.max_steps)};
  add_points(result.steps + 1, 0, result.steps);
  result.difference = ends[1] - ends[0];
  for (;;) {
    double total = 0;
    for (int64_t i = 0; i < x.size(); ++i) {
      const double mean = sum[static_cast<size_t>(i)] / static_cast<double>(result.steps);
      result.attribution[i] = static_cast<float>((static_cast<double>(x[i]) - baseline[i]) * mean);
      total += (static_cast<double>(x[i]) - baseline[i]) * mean;
    }
    result.gap = total - result.difference;
    if (std::abs(result.gap) <= options.tolerance * std::abs(result.difference)) return result;
    if (2 * result.steps > options.max_steps) return result;
    add_points(result.steps, 0.5, result.steps);  // the middles between the points that there are
    result.steps *= 2;
  }
}

}  // namespace fovea::explain
