#include "fovea/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <utility>

#include "core/saturate.h"
#include "fovea/error.h"
#include "fovea/parallel.h"
#include "kernels/cpu/peak.h"

namespace fovea {

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

constexpr size_t fewest_steps = 3;
constexpr size_t most_steps = 1'000'000;

// Calls body for this many seconds.
template <class Body>
void repeat(double seconds, size_t fewest, const Body& body) {
  const double end = now() + seconds;
  for (size_t i = 0; i < most_steps && (i < fewest || now() < end); ++i) body();
}

// The value that this share of them does not exceed.
double quantile(std::vector<double>& values, double share) {
  const auto last = static_cast<double>(values.size() - 1);
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(share * last + 0.5);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

// A profile whose times are the medians of many.
std::vector<NodeProfile> profile_layers(Session& session, double seconds) {
  std::vector<NodeProfile> layers = session.profile();
  std::vector<std::vector<double>> forward(layers.size());
  std::vector<std::vector<double>> backward(layers.size());
  repeat(seconds, fewest_steps, [&] {
    const std::vector<NodeProfile> sample = session.profile();
    for (size_t i = 0; i < sample.size(); ++i) {
      forward[i].push_back(sample[i].forward_seconds);
      backward[i].push_back(sample[i].backward_seconds);
    }
  });
  for (size_t i = 0; i < layers.size(); ++i) {
    layers[i].forward_seconds = quantile(forward[i], 0.5);
    layers[i].backward_seconds = quantile(backward[i], 0.5);
  }
  return layers;
}

}  // namespace

BenchResult benchmark(Model model, const BenchOptions& options) {
  if (!(options.seconds > 0 && options.seconds <= 3600)) {
    throw Error(ErrorKind::usage, fmt::format("seconds must be above 0 and at most 3600, got {}", options.seconds));
  }
  Workload workload =
      options.training ? Workload(model, options.batch, true) : Workload(std::move(model), options.batch);
  BenchResult result;
  result.peak_flops = measure_peak_flops();
  repeat(options.seconds / 10, 2, [&] { workload.step(); });  // the warm-up
  std::vector<double> times;
  repeat(options.seconds, fewest_steps, [&] {
    const double start = now();
    workload.step();
    times.push_back(now() - start);
  });
  result.steps = std::ssize(times);
  result.median_seconds = quantile(times, 0.5);
  result.p95_seconds = quantile(times, 0.95);
  result.min_seconds = *std::ranges::min_element(times);
  result.arena_bytes = workload.session().arena_bytes();
  result.peak_memory_bytes = peak_memory_bytes();
  for (const NodeProfile& node : workload.session().profile()) {
    result.multiply_adds = saturating_add(result.multiply_adds, node.forward_multiply_adds);
    result.multiply_adds = saturating_add(result.multiply_adds, node.backward_multiply_adds);
  }
  if (options.layers) result.layers = profile_layers(workload.session(), options.seconds);
  // Neighbours may have slowed the first measurement.
  result.peak_flops = std::max(result.peak_flops, measure_peak_flops());
  return result;
}

double measure_peak_flops() {
  constexpr int64_t rounds = 20'000;  // some tens of microseconds
  const int64_t chunks = 16 * thread_count();
  const auto operations = static_cast<double>(chunks * cpu::multiply_add_in_registers(rounds));
  double best = 0;
  repeat(0.1, fewest_steps, [&] {
    const double start = now();
    parallel_for(chunks, 1, [](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) cpu::multiply_add_in_registers(rounds);
    });
    best = std::max(best, operations / (now() - start));
  });
  return best;
}

size_t peak_memory_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != "VmHWM:") continue;
    size_t kilobytes = 0;
    status >> kilobytes;
    return kilobytes * 1024;
  }
  return 0;
}

}  // namespace fovea
