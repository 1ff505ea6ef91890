#include "fovea/optim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "fovea/error.h"
#include "fovea/ops.h"
#include "fovea/parallel.h"
#include "fovea/schedule.h"
#include "test_files.h"

namespace fovea {
namespace {

using testing::HasSubstr;

// A network with one trainable parameter of `count` elements (and nothing that trains without a bias).
Model dense_model(int64_t inputs, int64_t units) {
  Graph graph;
  dense(Scope(graph) / "fc", flatten(graph.input("x", {1, 1, inputs})), units, false);
  return Model(std::move(graph), 5);
}

TEST(Sgd, FollowsItsFormula) {
  Model model = dense_model(2, 1);
  const auto optimizer = make_optimizer(Sgd{.lr = 0.5, .momentum = 0.5, .weight_decay = 0.25}, model);
  Tensor& x = model.parameter("fc.weight");
  x[0] = 4;
  x[1] = -8;
  const std::vector<float> gradient = {1, 2};
  const std::vector<std::span<const float>> gradients = {gradient};
  optimizer->step(gradients, 0.5);  // g = {2, 0}, v = g
  EXPECT_EQ(x[0], 3.0F);
  EXPECT_EQ(x[1], -8.0F);
  optimizer->step(gradients, 1.0);  // g = {1.75, 0}, v = {1, 0} + g
  EXPECT_EQ(x[0], 0.25F);
  EXPECT_EQ(x[1], -8.0F);
}

TEST(Sgd, EqualsPyTorch) {
  const auto cases = nlohmann::json::parse(std::ifstream(FOVEA_TEST_DIR "/golden/sgd.json"));
  ASSERT_EQ(cases.size(), 4U);
  for (const auto& golden : cases) {
    Model model = dense_model(9, 1);
    Tensor& x = model.parameter("fc.weight");
    for (int64_t i = 0; i < 9; ++i) x[i] = static_cast<float>(i - 4) / 8;
    const Sgd options{.lr = golden["lr"],
                      .momentum = golden["momentum"],
                      .weight_decay = golden["weight_decay"],
                      .nesterov = golden["nesterov"]};
    const auto optimizer = make_optimizer(options, model);
    for (int t = 0; t < 5; ++t) {
      std::vector<float> gradient(9);
      for (int i = 0; i < 9; ++i) gradient[static_cast<size_t>(i)] = static_cast<float>((3 * i + 5 * t) % 7 - 3) / 4;
      const std::vector<std::span<const float>> gradients = {gradient};
      optimizer->step(gradients, options.lr);
    }
    for (int64_t i = 0; i < 9; ++i) EXPECT_NEAR(x[i], golden["values"][static_cast<size_t>(i)], 2e-7) << golden.dump();
  }
}

TEST(Sgd, GivesTheSameBitsForAnyNumberOfThreads) {
  const int before = thread_count();
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 3}) {
    set_thread_count(threads);
    Model model = dense_model(1000, 77);
    const auto optimizer = make_optimizer(Sgd{.lr = 0.1, .weight_decay = 1e-3, .nesterov = true}, model);
    std::vector<float> gradient(77'000);
    for (size_t i = 0; i < gradient.size(); ++i) gradient[i] = Random(3).normal(i);
    const std::vector<std::span<const float>> gradients = {gradient};
    for (int t = 0; t < 3; ++t) optimizer->step(gradients, 0.1);
    const auto values = model.parameter("fc.weight").values();
    results.emplace_back(values.begin(), values.end());
  }
  set_thread_count(before);
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

TEST(Sgd, LimitsTheNormOfEachFilter) {
  Model model = dense_model(2, 3);
  Tensor& x = model.parameter("fc.weight");
  const std::vector<float> start = {3, 4, 0.3F, 0.4F, 0, 0};
  std::ranges::copy(start, x.values().begin());
  const auto optimizer = make_optimizer(Sgd{.lr = 1, .momentum = 0, .max_norm = 2.5}, model);
  const std::vector<float> gradient = {-3, -4, 0, 0, 0, 1};
  const std::vector<std::span<const float>> gradients = {gradient};
  optimizer->step(gradients, 1);  // {6, 8}, {0.3, 0.4}, {0, -1}
  const std::vector<float> expected = {1.5F, 2, 0.3F, 0.4F, 0, -1};
  for (int64_t i = 0; i < 6; ++i) EXPECT_FLOAT_EQ(x[i], expected[static_cast<size_t>(i)]);
}

TEST(Sgd, KeepsAVelocityForTrainedParametersOnly) {
  Graph graph;
  batch_norm(Scope(graph) / "bn", graph.input("x", {2, 2, 3}));
  Model model(std::move(graph));
  const auto optimizer = make_optimizer(Sgd{}, model);
  std::vector<std::string> names;
  for (const OptimizerTensor& item : optimizer->state()) names.push_back(item.name);
  EXPECT_EQ(names, (std::vector<std::string>{"velocity.bn.weight", "velocity.bn.bias"}));
}

TEST(Sgd, RefusesNonsense) {
  Model model = dense_model(1, 1);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto refuses = [&](const Sgd& options, const char* what) {
    EXPECT_THAT(error_of(ErrorKind::usage, [&] { make_optimizer(options, model); }), HasSubstr(what));
  };
  refuses({.lr = nan}, "learning rate must be positive, got nan");
  refuses({.lr = 0}, "learning rate");
  refuses({.lr = INFINITY}, "learning rate");
  refuses({.momentum = 1}, "momentum");
  refuses({.momentum = nan}, "momentum");
  refuses({.weight_decay = -1}, "weight decay");
  refuses({.max_norm = -1}, "largest norm");
  refuses({.momentum = 0, .nesterov = true}, "Nesterov");
}

TEST(Schedule, ConstantStepAndCosine) {
  EXPECT_EQ(schedule_factor({}, 7.5, 10), 1.0);
  const Schedule step{.kind = Schedule::Kind::step, .every = 3, .gamma = 0.5};
  EXPECT_EQ(schedule_factor(step, 0, 10), 1.0);
  EXPECT_EQ(schedule_factor(step, 2.99, 10), 1.0);
  EXPECT_EQ(schedule_factor(step, 3, 10), 0.5);
  EXPECT_EQ(schedule_factor(step, 9.5, 10), 0.125);
  const Schedule cosine{.kind = Schedule::Kind::cosine};
  EXPECT_EQ(schedule_factor(cosine, 0, 8), 1.0);
  EXPECT_NEAR(schedule_factor(cosine, 2, 8), 0.5 + std::sqrt(0.125), 1e-15);
  EXPECT_NEAR(schedule_factor(cosine, 4, 8), 0.5, 1e-15);
  EXPECT_NEAR(schedule_factor(cosine, 8, 8), 0.0, 1e-15);
  const Schedule floored{.kind = Schedule::Kind::cosine, .floor = 0.2};
  EXPECT_NEAR(schedule_factor(floored, 4, 8), 0.6, 1e-15);
  EXPECT_NEAR(schedule_factor(floored, 8, 8), 0.2, 1e-15);
}

TEST(Schedule, MultiStepPolynomialAndOneCycle) {
  const Schedule multi{.kind = Schedule::Kind::multi_step, .gamma = 0.5, .warmup = 1, .milestones = {3, 6}};
  EXPECT_EQ(schedule_factor(multi, 0.5, 10), 0.5);
  EXPECT_EQ(schedule_factor(multi, 2.9, 10), 1.0);
  EXPECT_EQ(schedule_factor(multi, 3, 10), 0.5);
  EXPECT_EQ(schedule_factor(multi, 9, 10), 0.25);
  const Schedule polynomial{.kind = Schedule::Kind::polynomial, .floor = 0.2, .power = 2};
  EXPECT_EQ(schedule_factor(polynomial, 0, 8), 1.0);
  EXPECT_NEAR(schedule_factor(polynomial, 4, 8), 0.4, 1e-15);
  EXPECT_NEAR(schedule_factor(polynomial, 8, 8), 0.2, 1e-15);
  const Schedule cycle{.kind = Schedule::Kind::one_cycle, .floor = 0.1, .peak = 0.25, .start = 0.5};
  EXPECT_EQ(schedule_factor(cycle, 0, 8), 0.5);
  EXPECT_NEAR(schedule_factor(cycle, 1, 8), 0.75, 1e-15);
  EXPECT_EQ(schedule_factor(cycle, 2, 8), 1.0);
  EXPECT_NEAR(schedule_factor(cycle, 3.5, 8), 0.1 + 0.9 * (1 + std::sqrt(0.5)) / 2, 1e-12);
  EXPECT_NEAR(schedule_factor(cycle, 8, 8), 0.1, 1e-15);
  Schedule linear = cycle;
  linear.linear = true;
  EXPECT_EQ(schedule_factor(linear, 0.5, 8), 0.625);
  EXPECT_NEAR(schedule_factor(linear, 5, 8), 0.55, 1e-15);
}

TEST(Schedule, PlateauWaitsForBetterScores) {
  const Schedule plateau{.kind = Schedule::Kind::plateau, .gamma = 0.5, .floor = 0.2, .patience = 2};
  const auto factor = [&](const std::vector<double>& scores) { return schedule_factor(plateau, 5, 10, scores); };
  EXPECT_EQ(factor({}), 1.0);
  EXPECT_EQ(factor({0.5, 0.5}), 1.0);
  EXPECT_EQ(factor({0.5, 0.5, 0.4}), 0.5);
  EXPECT_EQ(factor({0.5, 0.5, 0.4, 0.5}), 0.5);  // counted anew
  EXPECT_EQ(factor({0.5, 0.5, 0.4, 0.5, 0.5}), 0.25);
  EXPECT_EQ(factor({0.5, 0.5, 0.4, 0.5, 0.5, 0.1, 0.1}), 0.2);
  EXPECT_EQ(factor({0.5, 0.4, 0.6, 0.5}), 1.0);
}

TEST(Schedule, IsReadAndWrittenAsText) {
  const Schedule multi = parse_schedule("multi-step at 30,60,80 gamma 0.2 warmup 5");
  EXPECT_EQ(multi.kind, Schedule::Kind::multi_step);
  EXPECT_EQ(multi.milestones, (std::vector<double>{30, 60, 80}));
  EXPECT_EQ(multi.gamma, 0.2);
  EXPECT_EQ(multi.warmup, 5);
  EXPECT_TRUE(parse_schedule("one-cycle peak 0.2 linear").linear);
  for (const char* text : {"constant", "step every 30 gamma 0.5", "cosine floor 0.01 warmup 5", "multi-step at 30,60.5",
                           "one-cycle peak 0.2 linear", "polynomial power 2", "plateau patience 3"}) {
    EXPECT_EQ(to_text(parse_schedule(text)), text);
  }
  const auto refusal = [](const char* text) { return error_of(ErrorKind::usage, [&] { parse_schedule(text); }); };
  EXPECT_THAT(refusal("cosin"),
              HasSubstr("unknown schedule 'cosin'; did you mean 'cosine'?; there are constant, step"));
  EXPECT_THAT(refusal("cosine gamma 0.1"),
              HasSubstr("schedule 'cosine': unknown option 'gamma'; it takes floor, warmup"));
  EXPECT_THAT(refusal("multi-step at 30,soon"), HasSubstr("'at' needs a number, got 'soon'"));
}

TEST(Schedule, WarmsUpLinearlyBeforeTheScheduleStarts) {
  const Schedule cosine{.kind = Schedule::Kind::cosine, .warmup = 2};
  EXPECT_EQ(schedule_factor(cosine, 0, 10), 0.0);
  EXPECT_EQ(schedule_factor(cosine, 0.5, 10), 0.25);
  EXPECT_EQ(schedule_factor(cosine, 2, 10), 1.0);
  EXPECT_NEAR(schedule_factor(cosine, 6, 10), 0.5, 1e-15);
}

TEST(Schedule, RefusesNonsense) {
  const auto refuses = [](const Schedule& schedule, const char* what) {
    EXPECT_THAT(error_of(ErrorKind::usage, [&] { schedule_factor(schedule, 0, 10); }), HasSubstr(what));
  };
  refuses({.every = 0}, "between two steps");
  refuses({.gamma = -1}, "gamma");
  refuses({.floor = 2}, "floor");
  refuses({.warmup = 10}, "warm-up");
  refuses({.warmup = std::nan("")}, "warm-up");
  refuses({.kind = Schedule::Kind::multi_step}, "multi-step needs its epochs");
  refuses({.milestones = {3, 3}}, "milestones must ascend");
  refuses({.peak = 1}, "peak");
  refuses({.start = -1}, "start");
  refuses({.power = 0}, "power");
  refuses({.patience = 0.5}, "patience");
}

}  // namespace
}  // namespace fovea
