#include "fovea/train.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "fovea/model_file.h"
#include "fovea/ops.h"
#include "fovea/parallel.h"
#include "fovea/range_test.h"
#include "test_files.h"
#include "toy.h"

namespace fovea {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<float> weights_of(const Model& model) {
  std::vector<float> all;
  for (const Tensor& tensor : model.parameters()) all.insert(all.end(), tensor.values().begin(), tensor.values().end());
  return all;
}

TEST(Fit, LearnsTheToyProblem) {
  Model model = toy_model(1);
  const auto test = toy_dataset(100, 3);
  const History history = fit(model, toy_dataset(200, 2), test, toy_options());
  ASSERT_EQ(history.epochs.size(), 4U);
  EXPECT_GE(history.best_top1, 0.99);
  EXPECT_LT(history.epochs.back().train_loss, history.epochs.front().train_loss);
  EXPECT_FALSE(history.interrupted);

  const Evaluation evaluation = evaluate(model, test);
  const Scores& last = *history.epochs.back().validation;
  EXPECT_EQ(evaluation.scores.top1, last.top1);
  EXPECT_NEAR(evaluation.scores.loss, last.loss, 1e-6);
  EXPECT_EQ(evaluation.scores.top5, 1.0);  // of three classes
  EXPECT_EQ(evaluation.confusion.total(), 100);
  EXPECT_DOUBLE_EQ(evaluation.confusion.accuracy(), last.top1);
  EXPECT_EQ(evaluation.predictions.size(), 100U);
}

TEST(Fit, GivesTheSameBitsForAnyNumberOfThreadsAndWorkers) {
  const int before = thread_count();
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 3}) {
    set_thread_count(threads);
    Model model = toy_model(1);
    FitOptions options = toy_options();
    options.workers = threads;
    fit(model, toy_dataset(200, 2), nullptr, options);
    results.push_back(weights_of(model));
  }
  set_thread_count(before);
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

TEST(Fit, SeedDecidesTheOrder) {
  const auto train = [](uint64_t seed) {
    Model model = toy_model(1);
    FitOptions options = toy_options();
    options.epochs = 1;
    options.seed = seed;
    fit(model, toy_dataset(64, 2), nullptr, options);
    return weights_of(model);
  };
  EXPECT_EQ(train(1), train(1));
  EXPECT_NE(train(1), train(2));
}

TEST(Fit, ReportsEveryStepAndEpoch) {
  Model model = toy_model(1);
  FitOptions options = toy_options();
  options.epochs = 2;
  options.schedule = {.kind = Schedule::Kind::step, .every = 1, .gamma = 0.1};
  std::vector<Progress> steps;
  std::vector<EpochRecord> epochs;
  options.on_progress = [&](const Progress& p) { steps.push_back(p); };
  options.on_epoch = [&](const EpochRecord& r) { epochs.push_back(r); };
  fit(model, toy_dataset(50, 2), toy_dataset(20, 3), options);  // 3 steps of 16, 2 items left out
  ASSERT_EQ(steps.size(), 6U);
  EXPECT_EQ(steps[4].epoch, 2);
  EXPECT_EQ(steps[4].step, 2);
  EXPECT_EQ(steps[4].steps, 3);
  EXPECT_EQ(steps[2].learning_rate, 0.05);
  EXPECT_NEAR(steps[3].learning_rate, 0.005, 1e-12);
  EXPECT_EQ(steps[5].seconds_left, 0);
  EXPECT_GT(steps[5].images_per_second, 0);
  ASSERT_EQ(epochs.size(), 2U);
  EXPECT_EQ(epochs[0].train_loss, steps[2].loss);
  EXPECT_EQ(epochs[1].train_top1, steps[5].top1);
  EXPECT_NEAR(epochs[1].learning_rate, 0.005, 1e-12);
}

TEST(Fit, BatchIsAtMostTheTrainingSet) {
  Model model = toy_model(1);
  FitOptions options = toy_options();
  options.epochs = 1;
  options.batch = 64;
  int steps = 0;
  options.on_progress = [&](const Progress&) { ++steps; };
  fit(model, toy_dataset(10, 2), nullptr, options);
  EXPECT_EQ(steps, 1);
}

TEST(Fit, TakesANetworkThatEndsInSoftmax) {
  Graph graph;
  softmax(dense(Scope(graph) / "fc", flatten(graph.input("input", {8, 8, 1})), 3));
  Model model(std::move(graph), 1);
  model.preprocessing = toy_model(1).preprocessing;
  FitOptions options = toy_options();
  options.epochs = 10;
  const History history = fit(model, toy_dataset(200, 2), toy_dataset(60, 3), options);
  EXPECT_LT(history.epochs.back().validation->loss, 0.7 * history.epochs.front().train_loss);

  // The loss is that of the logits, as in the same network without its softmax.
  Graph bare;
  dense(Scope(bare) / "fc", flatten(bare.input("input", {8, 8, 1})), 3);
  Model logits(std::move(bare), 1);
  logits.preprocessing = model.preprocessing;
  fit(logits, toy_dataset(200, 2), nullptr, options);
  EXPECT_EQ(weights_of(logits), weights_of(model));
}

TEST(Fit, RefusesWhatDoesNotFit) {
  const auto train = toy_dataset(20, 2);
  const auto refusal = [&](ErrorKind kind, Model model, const FitOptions& options) {
    return error_of(kind, [&] { fit(model, train, nullptr, options); });
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(refusal(ErrorKind::usage, toy_model(1), {.epochs = -1}), HasSubstr("epochs must be at least 1, got -1"));
  EXPECT_THAT(refusal(ErrorKind::usage, toy_model(1), {.batch = 0}), HasSubstr("batch must be at least 1, got 0"));
  EXPECT_THAT(refusal(ErrorKind::usage, toy_model(1), {.optimizer = Sgd{.lr = nan}}), HasSubstr("learning rate"));
  EXPECT_THAT(refusal(ErrorKind::usage, toy_model(1), {.schedule = {.warmup = 99}}), HasSubstr("warm-up"));
  EXPECT_THAT(refusal(ErrorKind::usage, toy_model(1), {.workers = 2000}), HasSubstr("workers"));
  EXPECT_THAT(refusal(ErrorKind::usage, toy_model(1), {.save_every = nan}), HasSubstr("between checkpoints"));

  Model bare = toy_model(1);
  bare.preprocessing = {};
  EXPECT_THAT(refusal(ErrorKind::usage, bare, {}), HasSubstr("model.preprocessing"));
  Model wrong = toy_model(1);
  wrong.preprocessing.height = 9;
  EXPECT_THAT(refusal(ErrorKind::format, wrong, {}), HasSubstr("'input' takes 8x8x1, the preprocessing gives 9x8x1"));
  Graph graph;
  dense(Scope(graph) / "fc", flatten(graph.input("input", {8, 8, 1})), 4);
  Model four(std::move(graph));
  four.preprocessing = toy_model(1).preprocessing;
  EXPECT_THAT(refusal(ErrorKind::format, four, {}), HasSubstr("node 'fc' gives 4, the data set has 3 classes"));
}

TEST(Fit, NamesTheNodeThatWentBadAndKeepsTheLastGoodCheckpoint) {
  const TempFolder folder;
  Model model = toy_model(1);
  FitOptions options = toy_options();
  learning_rate(options.optimizer) = 1e30;
  options.save_every = 0;
  options.run_folder = folder / "run";
  const std::string message =
      error_of(ErrorKind::failure, [&] { fit(model, toy_dataset(200, 2), toy_dataset(50, 3), options); });
  EXPECT_THAT(message, HasSubstr("training failed in epoch 1, step "));
  EXPECT_THAT(message, HasSubstr("NaN or an infinity"));
  EXPECT_THAT(message, HasSubstr("lower learning rate than 1e+30"));
  EXPECT_THAT(message, HasSubstr("last.safetensors (epoch 1, step "));
  const Model kept = load_model(folder / "run/last.safetensors");
  for (const float value : weights_of(kept)) ASSERT_TRUE(std::isfinite(value));
}

TEST(Fit, NamesTheFirstBadNodeOfAForwardPass) {
  Model model = toy_model(1);
  // Finite weights whose products are not.
  for (float& w : model.parameter("fc.weight").values()) w = 3e38F;
  const std::string message =
      error_of(ErrorKind::failure, [&] { fit(model, toy_dataset(32, 2), nullptr, toy_options()); });
  EXPECT_THAT(message, HasSubstr("epoch 1, step 1 of 2: the loss is "));
  EXPECT_THAT(message, HasSubstr("'fc' is the first node"));
  EXPECT_THAT(message, HasSubstr("no checkpoint was saved"));
}

TEST(Fit, AccumulatedBatchesEqualALargeOne) {
  // Without batch norm and dropout, which see each batch alone.
  const auto train = [](int64_t batch, int64_t accumulate) {
    Graph graph;
    dense(Scope(graph) / "fc", flatten(graph.input("input", {8, 8, 1})), 3);
    Model model(std::move(graph), 1);
    model.preprocessing = toy_model(1).preprocessing;
    FitOptions options = toy_options();
    options.epochs = 2;
    options.batch = batch;
    options.accumulate = accumulate;
    const History history = fit(model, toy_dataset(100, 2), nullptr, options);
    return std::pair(weights_of(model), history.epochs.back().train_loss);
  };
  const auto [large, large_loss] = train(32, 1);
  const auto [small, small_loss] = train(8, 4);
  ASSERT_EQ(large.size(), small.size());
  for (size_t i = 0; i < large.size(); ++i) EXPECT_NEAR(large[i], small[i], 1e-5);
  EXPECT_NEAR(large_loss, small_loss, 1e-5);
}

TEST(Fit, LeavesFrozenParametersAndTheirBatchNormsAlone) {
  Model model = toy_model(1);
  model.parameter("bn.running_mean")[2] = 0.25F;
  const Model before = model;
  FitOptions options = toy_options();
  options.rules.frozen = {"conv.*", "bn.*"};
  options.epochs = 8;
  const History history = fit(model, toy_dataset(200, 2), toy_dataset(100, 3), options);
  for (const char* name : {"conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"}) {
    EXPECT_TRUE(std::ranges::equal(model.parameter(name).values(), before.parameter(name).values())) << name;
  }
  EXPECT_FALSE(std::ranges::equal(model.parameter("fc.weight").values(), before.parameter("fc.weight").values()));
  EXPECT_GT(history.best_top1, 0.8);
}

TEST(Fit, FrozenBatchNormLetsGradientsThroughAsInference) {
  Model model = toy_model(1);
  const Model before = model;
  FitOptions options = toy_options();
  options.rules.frozen = {"bn.*"};
  EXPECT_GT(fit(model, toy_dataset(200, 2), toy_dataset(100, 3), options).best_top1, 0.9);
  EXPECT_FALSE(std::ranges::equal(model.parameter("conv.weight").values(), before.parameter("conv.weight").values()));
  EXPECT_TRUE(
      std::ranges::equal(model.parameter("bn.running_var").values(), before.parameter("bn.running_var").values()));
}

TEST(Fit, JudgesAndLeavesAveragedWeights) {
  Model model = toy_model(1);
  const TempFolder folder;
  FitOptions options = toy_options();
  options.ema = 0.95;
  options.run_folder = folder / "run";
  const auto test = toy_dataset(100, 3);
  const History history = fit(model, toy_dataset(200, 2), test, options);
  EXPECT_GT(history.best_top1, 0.9);
  EXPECT_EQ(evaluate(model, test).scores.top1, history.epochs.back().validation->top1);
  EXPECT_EQ(weights_of(load_model(folder / "run/last.safetensors")), weights_of(model));
  Model plain = toy_model(1);
  options.ema = 0;
  options.run_folder.clear();
  fit(plain, toy_dataset(200, 2), test, options);
  EXPECT_NE(weights_of(plain), weights_of(model));
}

TEST(Fit, StopsWhenPatienceEnds) {
  Model model = toy_model(1);
  FitOptions options = toy_options();
  options.epochs = 50;
  options.patience = 3;
  const History history = fit(model, toy_dataset(200, 2), toy_dataset(100, 3), options);
  EXPECT_TRUE(history.stopped_early);
  EXPECT_LT(history.epochs.size(), 50U);
  EXPECT_EQ(std::ssize(history.epochs), history.best_epoch + 3);
}

TEST(Fit, BestIsByTheMetricAskedFor) {
  Model model = toy_model(1);
  FitOptions options = toy_options();
  options.epochs = 6;
  options.best_by = Metric::loss;
  const History history = fit(model, toy_dataset(200, 2), toy_dataset(100, 3), options);
  const auto lowest =
      std::ranges::min_element(history.epochs, {}, [](const EpochRecord& record) { return record.validation->loss; });
  EXPECT_EQ(history.best_epoch, lowest->epoch);
  EXPECT_EQ(history.best_top1, lowest->validation->top1);
  options.best_by = Metric::top5;
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { fit(model, toy_dataset(50, 2), nullptr, options); }),
              HasSubstr("top-5"));
}

TEST(Fit, KeepsTheLatestCheckpoints) {
  Model model = toy_model(1);
  const TempFolder folder;
  FitOptions options = toy_options();
  options.epochs = 7;
  options.checkpoint_every = 2;
  options.keep_checkpoints = 2;
  options.run_folder = folder / "run";
  std::vector<std::vector<float>> epochs;
  options.on_epoch = [&](const EpochRecord&) { epochs.push_back(weights_of(model)); };
  fit(model, toy_dataset(50, 2), nullptr, options);
  EXPECT_FALSE(std::filesystem::exists(folder / "run/epoch-0002.safetensors"));
  EXPECT_EQ(weights_of(load_model(folder / "run/epoch-0004.safetensors")), epochs[3]);
  EXPECT_EQ(weights_of(load_model(folder / "run/epoch-0006.safetensors")), epochs[5]);
}

TEST(Fit, ClipsGradients) {
  Model model = toy_model(1);
  FitOptions options = toy_options();
  options.epochs = 1;
  options.optimizer = Sgd{.lr = 1, .momentum = 0};
  options.batch = 50;
  options.clip_norm = 1e-3;
  options.schedule = {.kind = Schedule::Kind::constant};
  const std::vector<float> before = weights_of(model);
  options.rules.frozen = {"bn.*"};  // whose statistics would move too
  fit(model, toy_dataset(50, 2), nullptr, options);
  const std::vector<float> after = weights_of(model);
  double squares = 0;
  for (size_t i = 0; i < before.size(); ++i) squares += std::pow(static_cast<double>(after[i]) - before[i], 2);
  EXPECT_NEAR(std::sqrt(squares), 1e-3, 1e-5);
}

TEST(RangeTest, FindsARateThatLearns) {
  const Model model = toy_model(1);
  FitOptions options = toy_options();
  options.optimizer = Sgd{.momentum = 0.9};
  const RangeTest test = find_learning_rate(model, toy_dataset(200, 2), options);
  EXPECT_EQ(weights_of(model), weights_of(toy_model(1)));
  ASSERT_GT(test.rates.size(), 50U);
  ASSERT_EQ(test.rates.size(), test.losses.size());
  EXPECT_EQ(test.rates.front(), 1e-6);
  EXPECT_NEAR(test.rates[1] / test.rates[0], std::pow(1e7, 1.0 / 99), 1e-9);
  EXPECT_GT(test.steepest, 1e-4);
  EXPECT_LT(test.steepest, 10);
  EXPECT_GT(test.suggested, 1e-4);
  EXPECT_LT(test.suggested, 1);
  const auto refusal = [&](const RangeTestOptions& range) {
    return error_of(ErrorKind::usage, [&] { find_learning_rate(model, toy_dataset(50, 2), options, range); });
  };
  EXPECT_THAT(refusal({.from = 0}), HasSubstr("got 0 to 10"));
  EXPECT_THAT(refusal({.from = 2, .to = 1}), HasSubstr("got 2 to 1"));
  EXPECT_THAT(refusal({.steps = 3}), HasSubstr("at least 10 steps, got 3"));
}

TEST(Evaluate, DoesNotDependOnTheBatch) {
  Model model = toy_model(1);
  const auto data = toy_dataset(37, 2);
  const Evaluation whole = evaluate(model, data, {.batch = 64});
  for (const int64_t batch : {1, 10, 36, 37}) {
    const Evaluation parts = evaluate(model, data, {.batch = batch});
    EXPECT_NEAR(parts.scores.loss, whole.scores.loss, 1e-6);
    EXPECT_EQ(parts.predictions, whole.predictions);
  }
  EXPECT_THROW(evaluate(model, data, {.batch = 0}), Error);
}

TEST(Evaluate, NamesTheNodeThatIsNotFinite) {
  Model model = toy_model(1);
  model.parameter("bn.bias")[2] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(error_of(ErrorKind::failure, [&] { evaluate(model, toy_dataset(5, 2)); }),
              HasSubstr("'bn' is the first"));
}

}  // namespace
}  // namespace fovea
