#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "fovea/error.h"
#include "fovea/ops.h"
#include "fovea/optim.h"
#include "fovea/parallel.h"
#include "fovea/random.h"
#include "test_files.h"
#include "train/gradient_sum.h"
#include "train/optimizers/orthogonalise.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Parameters of shapes {4, 6}, {4} and {2, 4}, as in golden/make_optimizers.py.
Model golden_model() {
  Graph graph;
  const Scope s(graph);
  const Value hidden = dense(s / "fc1", flatten(graph.input("x", {1, 1, 6})), 4);
  dense(s / "fc2", hidden, 2, false);
  Model model(std::move(graph));
  for (int64_t p = 0; p < 3; ++p) {
    Tensor& x = model.parameters()[static_cast<size_t>(p)];
    for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>((37 * i + 11 * p) % 29 - 14) / 16;
  }
  return model;
}

std::vector<std::vector<float>> golden_gradients(const Model& model, int64_t t) {
  std::vector<std::vector<float>> gradients;
  for (int64_t p = 0; p < std::ssize(model.parameters()); ++p) {
    gradients.emplace_back();
    for (int64_t i = 0; i < model.parameters()[static_cast<size_t>(p)].size(); ++i) {
      const int64_t g = (37 * i * i + 11 * i * t + 101 * p + 29 * t * t) % 103 - 51;
      gradients.back().push_back(static_cast<float>(g) / 64);
    }
  }
  return gradients;
}

void run(Optimizer& optimizer, const OptimizerOptions& options, const Model& model, int64_t first, int64_t last) {
  for (int64_t t = first; t < last; ++t) {
    const auto gradients = golden_gradients(model, t);
    const std::vector<std::span<const float>> views(gradients.begin(), gradients.end());
    optimizer.step(views, learning_rate(options));
  }
}

std::vector<float> values_of(const Model& model) {
  std::vector<float> all;
  for (const Tensor& x : model.parameters()) all.insert(all.end(), x.values().begin(), x.values().end());
  return all;
}

TEST(Optimizers, FollowTheGoldenTrajectories) {
  const auto cases = nlohmann::json::parse(std::ifstream(FOVEA_TEST_DIR "/golden/optimizers.json"));
  ASSERT_GE(cases.size(), 16U);
  for (const auto& golden : cases) {
    const std::string text = golden["text"];
    Model model = golden_model();
    const OptimizerOptions options = parse_optimizer(text);
    run(*make_optimizer(options, model), options, model, 0, 10);
    const std::vector<float> values = values_of(model);
    ASSERT_EQ(values.size(), golden["values"].size());
    double worst = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      worst = std::max(worst, std::abs(values[i] - golden["values"][i].get<double>()));
    }
    EXPECT_LT(worst, 1e-6) << text;
  }
}

// Every optimiser, with options that give it all the state it can have.
const std::vector<std::string> all_kinds = {"sgd momentum 0.9 nesterov",
                                            "rmsprop momentum 0.5 centered",
                                            "adagrad lr-decay 0.1",
                                            "adam amsgrad",
                                            "adamw",
                                            "lion",
                                            "lamb",
                                            "muon"};

TEST(Optimizers, GoOnFromTheirState) {
  for (const std::string& kind : all_kinds) {
    for (const Lookahead& lookahead : {Lookahead{}, Lookahead{.every = 3, .alpha = 0.5}}) {
      const OptimizerOptions options = parse_optimizer(kind);
      Model whole = golden_model();
      run(*make_optimizer(options, whole, {}, lookahead), options, whole, 0, 8);

      Model first = golden_model();
      const auto before = make_optimizer(options, first, {}, lookahead);
      run(*before, options, first, 0, 4);
      Model second = first;
      const auto after = make_optimizer(options, second, {}, lookahead);
      const auto from = before->state();
      const auto to = after->state();
      ASSERT_EQ(from.size(), to.size());
      for (size_t i = 0; i < from.size(); ++i) {
        EXPECT_EQ(from[i].name, to[i].name);
        *to[i].tensor = *from[i].tensor;
      }
      after->set_steps(before->steps());
      run(*after, options, second, 4, 8);
      EXPECT_EQ(values_of(second), values_of(whole)) << kind;
    }
  }
}

TEST(Optimizers, GiveTheSameBitsForAnyNumberOfThreads) {
  const int threads_before = thread_count();
  for (const std::string& kind : all_kinds) {
    std::vector<std::vector<float>> results;
    for (const int threads : {1, 3}) {
      set_thread_count(threads);
      Graph graph;
      const Scope s(graph);
      dense(s / "fc2", dense(s / "fc1", flatten(graph.input("x", {1, 1, 200})), 150), 3);
      Model model(std::move(graph), 3);
      const OptimizerOptions options = parse_optimizer(kind);
      const auto optimizer = make_optimizer(options, model, {}, {.every = 2});
      std::vector<std::vector<float>> gradients;
      for (const Tensor& x : model.parameters()) {
        gradients.emplace_back(static_cast<size_t>(x.size()));
        for (size_t i = 0; i < gradients.back().size(); ++i) gradients.back()[i] = Random(3).normal(i);
      }
      const std::vector<std::span<const float>> views(gradients.begin(), gradients.end());
      for (int t = 0; t < 3; ++t) optimizer->step(views, learning_rate(options));
      results.push_back(values_of(model));
    }
    EXPECT_EQ(results[0], results[1]) << kind;
  }
  set_thread_count(threads_before);
}

TEST(Optimizers, ScalesSlowDownAndFreeze) {
  for (const std::string& kind : all_kinds) {
    const OptimizerOptions options = parse_optimizer(kind);
    Model model = golden_model();
    const std::vector<float> start = values_of(model);
    const std::vector<ParameterScale> scales = {{.rate = 1}, {.trained = false}, {.rate = 0}};
    const auto optimizer = make_optimizer(options, model, scales);
    run(*optimizer, options, model, 0, 3);
    const std::vector<float> end = values_of(model);
    EXPECT_FALSE(std::equal(start.begin(), start.begin() + 24, end.begin())) << kind;
    EXPECT_TRUE(std::equal(start.begin() + 24, start.end(), end.begin() + 24)) << kind;
    for (const OptimizerTensor& item : optimizer->state()) EXPECT_THAT(item.name, Not(HasSubstr("fc1.bias")));
  }
  // Weight decay alone, with a gradient of zero.
  Model model = golden_model();
  const std::vector<float> start = values_of(model);
  const std::vector<ParameterScale> scales = {{.decay = 0}, {.decay = 1}, {.decay = 2}};
  const auto optimizer = make_optimizer(AdamW{.lr = 0.1, .weight_decay = 0.5}, model, scales);
  const std::vector<float> zeros(24);
  const std::vector<std::span<const float>> gradients = {zeros, std::span(zeros).first(4), std::span(zeros).first(8)};
  optimizer->step(gradients, 0.1);
  const std::vector<float> end = values_of(model);
  EXPECT_EQ(end[3], start[3]);
  EXPECT_FLOAT_EQ(end[25], 0.95F * start[25]);
  EXPECT_FLOAT_EQ(end[30], 0.9F * start[30]);
}

TEST(Lookahead, MovesTheSlowWeightsEveryFewUpdates) {
  Graph graph;
  dense(Scope(graph) / "fc", flatten(graph.input("x", {1, 1, 1})), 1, false);
  Model model(std::move(graph));
  Tensor& x = model.parameter("fc.weight");
  x[0] = 1;
  const auto optimizer = make_optimizer(Sgd{.momentum = 0}, model, {}, {.every = 2, .alpha = 0.25});
  const std::vector<float> gradient = {1};
  const std::vector<std::span<const float>> gradients = {gradient};
  optimizer->step(gradients, 0.5);
  EXPECT_EQ(x[0], 0.5F);
  optimizer->step(gradients, 0.5);  // to 0, and a quarter of the way from 1 to there
  EXPECT_EQ(x[0], 0.75F);
  optimizer->step(gradients, 0.5);
  EXPECT_EQ(x[0], 0.25F);
}

TEST(Orthogonaliser, BringsSingularValuesNearOne) {
  // Of u: diag(3, 0.5) in a turned basis, in three shapes.
  for (const auto& [rows, columns] : {std::pair{2, 2}, {2, 5}, {7, 2}}) {
    std::vector<float> u(static_cast<size_t>(rows * columns));
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c) {
        u[static_cast<size_t>(r * columns + c)] = Random(4).normal(static_cast<uint64_t>(16 * r + c));
      }
    }
    Orthogonaliser(rows, columns).run(u.data());
    // The Gram matrix of the shorter side.
    const int k = std::min(rows, columns);
    double gram[2][2] = {};
    for (int a = 0; a < k; ++a) {
      for (int b = 0; b < k; ++b) {
        for (int i = 0; i < std::max(rows, columns); ++i) {
          const auto at = [&](int which) { return rows > columns ? i * columns + which : which * columns + i; };
          gram[a][b] += static_cast<double>(u[static_cast<size_t>(at(a))]) * u[static_cast<size_t>(at(b))];
        }
      }
    }
    const double trace = gram[0][0] + gram[1][1];
    const double determinant = gram[0][0] * gram[1][1] - gram[0][1] * gram[1][0];
    const double root = std::sqrt(std::max(0.0, trace * trace / 4 - determinant));
    EXPECT_GT(std::sqrt(trace / 2 - root), 0.6) << rows << "x" << columns;
    EXPECT_LT(std::sqrt(trace / 2 + root), 1.3) << rows << "x" << columns;
  }
}

TEST(OptimizerText, IsReadAndWritten) {
  const auto adam = std::get<Adam>(parse_optimizer("adam lr 3e-4 beta2 0.95 amsgrad weight-decay 0.1"));
  EXPECT_EQ(adam.lr, 3e-4);
  EXPECT_EQ(adam.beta1, 0.9);
  EXPECT_EQ(adam.beta2, 0.95);
  EXPECT_TRUE(adam.amsgrad);
  EXPECT_EQ(adam.weight_decay, 0.1);
  EXPECT_FALSE(std::get<Muon>(parse_optimizer("muon no-nesterov")).nesterov);
  for (const char* text :
       {"sgd", "sgd lr 0.1 nesterov max-norm 3", "muon no-nesterov adam-lr 0.001", "lion lr 0.0003"}) {
    EXPECT_EQ(to_text(parse_optimizer(text)), text);
  }
  EXPECT_THAT(optimizer_names(), ElementsAre("sgd", "rmsprop", "adagrad", "adam", "adamw", "lion", "lamb", "muon"));
}

TEST(OptimizerText, RefusesSlips) {
  const auto refusal = [](const char* text) { return error_of(ErrorKind::usage, [&] { parse_optimizer(text); }); };
  EXPECT_THAT(refusal("adma"), HasSubstr("unknown optimizer 'adma'; did you mean 'adam'?"));
  EXPECT_THAT(refusal(""), HasSubstr("unknown optimizer ''"));
  EXPECT_THAT(refusal("adam beta3 0.9"), HasSubstr("optimizer 'adam': unknown option 'beta3'; did you mean 'beta1'?"));
  EXPECT_THAT(refusal("adam momentum 0.9"), HasSubstr("it takes lr, beta1"));
  EXPECT_THAT(refusal("adam lr"), HasSubstr("'lr' needs a number"));
  EXPECT_THAT(refusal("adam lr fast"), HasSubstr("'lr' needs a number, got 'fast'"));
  EXPECT_THAT(refusal("adam no-lr"), HasSubstr("unknown option 'no-lr'"));
}

TEST(Optimizers, RefuseNonsense) {
  Model model = golden_model();
  const auto refusal = [&](const char* text, const Lookahead& lookahead = {}) {
    return error_of(ErrorKind::usage, [&] { make_optimizer(parse_optimizer(text), model, {}, lookahead); });
  };
  EXPECT_THAT(refusal("adam lr -1"), HasSubstr("Adam: the learning rate must be positive, got -1"));
  EXPECT_THAT(refusal("adamw beta1 1"), HasSubstr("AdamW: beta1 must be in [0, 1), got 1"));
  EXPECT_THAT(refusal("adam beta2 nan"), HasSubstr("beta2"));
  EXPECT_THAT(refusal("rmsprop epsilon 0"), HasSubstr("RMSProp: epsilon must be positive, got 0"));
  EXPECT_THAT(refusal("rmsprop alpha 2"), HasSubstr("alpha"));
  EXPECT_THAT(refusal("adagrad lr-decay -1"), HasSubstr("Adagrad"));
  EXPECT_THAT(refusal("lion weight-decay -1"), HasSubstr("Lion: weight decay must not be negative, got -1"));
  EXPECT_THAT(refusal("lamb lr 0"), HasSubstr("LAMB"));
  EXPECT_THAT(refusal("muon momentum 0"), HasSubstr("Muon: Nesterov needs a positive momentum"));
  EXPECT_THAT(refusal("muon adam-lr 0"), HasSubstr("Adam's learning rate"));
  EXPECT_THAT(refusal("sgd", {.every = -1}), HasSubstr("lookahead"));
  EXPECT_THAT(refusal("sgd", {.every = 5, .alpha = 0}), HasSubstr("alpha must be in (0, 1], got 0"));
}

TEST(TrainingRules, AreResolvedForEachParameter) {
  Graph graph;
  const Scope s(graph);
  Value x = graph.input("x", {4, 4, 1});
  x = batch_norm(s / "features.1", conv(s / "features.0", x, {.filters = 2, .kernel = 3}));
  dense(s / "classifier", flatten(x), 3);
  const auto scales = parameter_scales(
      graph, {.frozen = {"features.0.*"}, .rates = {{"features.*", 0.1}, {"*.bias", 2}}, .decay_weights_only = true});
  // features.0.weight, .bias, features.1.weight, .bias, .running_mean, .running_var, classifier.weight, .bias
  ASSERT_EQ(scales.size(), 8U);
  const std::vector<bool> trained = {false, false, true, true, false, false, true, true};
  const std::vector<double> rates = {0.1, 0.2, 0.1, 0.2, 1, 1, 1, 2};
  const std::vector<double> decays = {1, 0, 0, 0, 0, 0, 1, 0};
  for (size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(scales[i].trained, trained[i]) << i;
    EXPECT_DOUBLE_EQ(scales[i].rate, rates[i]) << i;
    EXPECT_EQ(scales[i].decay, decays[i]) << i;
  }
  const auto refusal = [&](const TrainingRules& rules) {
    return error_of(ErrorKind::usage, [&] { parameter_scales(graph, rules); });
  };
  EXPECT_THAT(refusal({.frozen = {"feature.*"}}), HasSubstr("matches 'feature.*'; names are like 'features.0.weight'"));
  EXPECT_THAT(refusal({.frozen = {"*.running_mean"}}), HasSubstr("no parameter that is trained"));
  EXPECT_THAT(refusal({.frozen = {"*"}}), HasSubstr("nothing is left to train"));
  EXPECT_THAT(refusal({.rates = {{"*", -1}}}), HasSubstr("at least 0, got -1"));
}

TEST(GradientSum, AveragesAndClips) {
  const std::vector<float> a = {3, 0}, b = {4}, c = {1, 2}, d = {0};
  const Gradients first = {a, {}, b};
  const Gradients second = {c, {}, d};
  GradientSum sum(first);
  sum.add(first, true, 2);
  sum.add(second, false, 2);
  EXPECT_THAT(sum.gradients()[0], ElementsAre(2, 1));
  EXPECT_TRUE(sum.gradients()[1].empty());
  EXPECT_THAT(sum.gradients()[2], ElementsAre(2));
  sum.clip_norm(3.5);  // the norm is 3
  EXPECT_THAT(sum.gradients()[0], ElementsAre(2, 1));
  sum.clip_norm(1.5);
  EXPECT_NEAR(sum.gradients()[0][0], 1, 1e-6);
  EXPECT_NEAR(sum.gradients()[2][0], 1, 1e-6);
  sum.clip_value(0.75);
  EXPECT_THAT(sum.gradients()[0], ElementsAre(0.75F, testing::FloatNear(0.5F, 1e-6F)));
}

}  // namespace
}  // namespace fovea
