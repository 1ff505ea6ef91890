#include "fovea/range_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/error.h"
#include "fovea/random.h"
#include "train/epoch_items.h"
#include "train/training_step.h"

namespace fovea {

namespace {

constexpr uint64_t order_stream = 0x72616e6765;  // "range"
constexpr size_t fewest_points = 5;

// Batches without end: pass after pass over the pictures, each in a new order.
class EndlessBatches {
 public:
  EndlessBatches(std::shared_ptr<const Dataset> dataset, const Preprocessing& preprocessing, const FitOptions& options,
                 int64_t batch)
      : dataset_(std::move(dataset)), preprocessing_(preprocessing), options_(options), batch_(batch) {}

  const Batch& next() {
    const Batch* batch = loader_ ? loader_->next() : nullptr;
    while (batch == nullptr) {
      start_pass();
      batch = loader_->next();
    }
    return *batch;
  }

 private:
  void start_pass() {
    EpochItems items = epoch_items(dataset_, preprocessing_, options_, Random(options_.seed, order_stream), passes_++);
    loader_ =
        std::make_unique<Loader>(std::move(items.pictures), preprocessing_, std::move(items.order),
                                 LoaderOptions{.batch_size = batch_, .workers = options_.workers, .drop_last = true});
  }

  std::shared_ptr<const Dataset> dataset_;
  Preprocessing preprocessing_;
  const FitOptions& options_;
  int64_t batch_;
  uint64_t passes_ = 0;
  std::unique_ptr<Loader> loader_;
};

// Fills in the two rates that people choose from.
void suggest(RangeTest& test) {
  const auto lowest = std::ranges::min_element(test.losses) - test.losses.begin();
  test.suggested = test.rates[static_cast<size_t>(lowest)] / 10;
  test.steepest = test.suggested;
  double most = 0;
  const size_t reach = std::max<size_t>(1, test.rates.size() / 20);
  const size_t begin = test.rates.size() / 10;  // before that averages of few losses jump about
  for (size_t i = begin + reach; i + reach <= static_cast<size_t>(lowest); ++i) {
    const double fall = test.losses[i - reach] - test.losses[i + reach];  // rates are as far apart everywhere
    if (fall <= most) continue;
    most = fall;
    test.steepest = test.rates[i];
  }
}

}  // namespace

RangeTest find_learning_rate(const Model& model, std::shared_ptr<const Dataset> train, const FitOptions& options,
                             const RangeTestOptions& range) {
  if (!(range.from > 0) || !(range.from < range.to) || !std::isfinite(range.to)) {
    throw Error(ErrorKind::usage, fmt::format("the range test needs rates from above 0 to a higher one, got {} to {}",
                                              range.from, range.to));
  }
  if (range.steps < 10) {
    throw Error(ErrorKind::usage, fmt::format("the range test needs at least 10 steps, got {}", range.steps));
  }
  Model copy = model;
  const int64_t batch = std::min(options.batch, train->size());
  TrainingStep step(copy, *train, options, batch);
  EndlessBatches batches(train, model.preprocessing, options, batch);

  RangeTest test;
  constexpr double memory = 0.9;
  double average = 0;
  double lowest = HUGE_VAL;
  for (int64_t i = 0; i < range.steps; ++i) {
    const double rate =
        range.from * std::pow(range.to / range.from, static_cast<double>(i) / static_cast<double>(range.steps - 1));
    double loss = 0;
    for (int64_t k = 0; k < options.accumulate && std::isfinite(loss); ++k) {
      loss += step.add(batches.next(), static_cast<uint64_t>(i * options.accumulate + k)).loss;
    }
    if (!std::isfinite(loss)) break;
    average = memory * average + (1 - memory) * loss / static_cast<double>(options.accumulate);
    test.rates.push_back(rate);
    test.losses.push_back(average / (1 - std::pow(memory, static_cast<double>(i + 1))));
    lowest = std::min(lowest, test.losses.back());
    if (test.losses.back() > 4 * lowest) break;
    step.update(rate);
  }
  if (test.rates.size() < fewest_points) {
    throw Error(ErrorKind::failure,
                fmt::format("the loss is not finite after {} steps: start below {:g}", test.rates.size(), range.from));
  }
  suggest(test);
  return test;
}

}  // namespace fovea
