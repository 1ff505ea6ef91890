#include "fovea/batch_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <numeric>
#include <string>

#include "core/units.h"
#include "fovea/error.h"
#include "graph/plan.h"
#include "train/frozen_graph.h"
#include "train/training_step.h"

namespace fovea {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t smallest = 4;
constexpr int least_steps = 3;
constexpr int64_t float_bytes = sizeof(float);

// What is left without swapping.
int64_t available_memory() {
  std::ifstream file("/proc/meminfo");
  for (std::string word; file >> word;) {
    int64_t kibibytes = 0;
    if (word == "MemAvailable:" && file >> kibibytes) return 1024 * kibibytes;
  }
  throw Error(ErrorKind::failure, "/proc/meminfo does not say how much memory is available: name the bytes");
}

int64_t elements(const std::vector<OptimizerTensor>& state) {
  return std::accumulate(state.begin(), state.end(), int64_t{0},
                         [](int64_t sum, const OptimizerTensor& one) { return sum + one.tensor->size(); });
}

// What training takes beside the model, of which some grows with the batch.
class Planner {
 public:
  Planner(Model& model, const FitOptions& options)
      : scales_(parameter_scales(model.graph(), options.rules)),
        network_(add_training_loss(freeze(model.graph(), scales_), options.loss, options.augmentation.mixing().any())) {
    const int64_t all = model.graph().total_cost().parameters;
    fixed_ = all + elements(make_optimizer(options.optimizer, model, scales_, options.lookahead)->state());
    if (options.accumulate > 1 || options.clip_norm > 0 || options.clip_value > 0) fixed_ += all;
    if (options.ema > 0) fixed_ += all;
  }

  int64_t bytes(int64_t batch) const {
    const SessionOptions options = {
        .batch = batch, .training = true, .differentiate = network_.loss, .keep = {network_.logits, network_.loss}};
    return float_bytes * (fixed_ + static_cast<int64_t>(Plan(network_.graph, options).memory.floats));
  }

 private:
  std::vector<ParameterScale> scales_;
  TrainingLoss network_;
  int64_t fixed_ = 0;  // floats
};

double images_per_second(const Model& model, const std::shared_ptr<const Dataset>& train, const FitOptions& options,
                         int64_t batch, double seconds) {
  Model copy = model;
  TrainingStep step(copy, *train, options, batch);
  std::vector<int64_t> order(static_cast<size_t>(batch));
  std::iota(order.begin(), order.end(), int64_t{0});
  Loader loader(train, model.preprocessing, std::move(order), {.batch_size = batch, .workers = 0});
  const Batch& pictures = *loader.next();
  const auto one = [&] {
    for (int64_t i = 0; i < options.accumulate; ++i) step.add(pictures, 0);
    step.update(0);
  };
  one();  // touches the memory
  double best = 0;
  const Clock::time_point start = Clock::now();
  for (int steps = 0; steps < least_steps || Clock::now() - start < std::chrono::duration<double>(seconds); ++steps) {
    const Clock::time_point before = Clock::now();
    one();
    const std::chrono::duration<double> taken = Clock::now() - before;
    best = std::max(best, static_cast<double>(batch * options.accumulate) / taken.count());
  }
  return best;
}

}  // namespace

BatchTest find_batch(const Model& model, const std::shared_ptr<const Dataset>& train, const FitOptions& options,
                     const BatchTestOptions& test) {
  if (test.memory < 0 || !(test.seconds >= 0)) {
    throw Error(ErrorKind::usage, fmt::format("batches: memory and seconds must not be negative, got {} bytes and {} s",
                                              test.memory, test.seconds));
  }
  const int64_t memory = test.memory == 0 ? available_memory() : test.memory;
  const int64_t whole = train->size();
  Model copy = model;
  const Planner planner(copy, options);

  BatchTest result;
  for (int64_t batch = std::min(smallest, whole); planner.bytes(batch) <= memory; batch = std::min(2 * batch, whole)) {
    result.largest = batch;
    if (batch == whole) break;
  }
  if (result.largest == 0) {
    throw Error(ErrorKind::failure,
                fmt::format("a batch of {} takes {} and {} are free: take a smaller network or smaller pictures",
                            std::min(smallest, whole), bytes_with_unit(planner.bytes(std::min(smallest, whole))),
                            bytes_with_unit(memory)));
  }
  double best = 0;
  int no_faster = 0;
  for (int64_t batch = std::min(smallest, whole); no_faster < 2; batch = std::min(2 * batch, result.largest)) {
    const double rate = images_per_second(model, train, options, batch, test.seconds);
    result.batches.push_back({batch, planner.bytes(batch), rate});
    no_faster = rate < 1.05 * best ? no_faster + 1 : 0;
    best = std::max(best, rate);
    if (batch == result.largest) break;
  }
  const auto fast = [&](const MeasuredBatch& measured) { return measured.images_per_second >= 0.95 * best; };
  result.suggested = std::ranges::find_if(result.batches, fast)->batch;
  return result;
}

}  // namespace fovea
