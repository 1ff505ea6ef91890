#include "fovea/zoo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "fovea/error.h"
#include "fovea/ops.h"
#include "fovea/random.h"
#include "fovea/session.h"

namespace fovea {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;

int64_t parameters(std::string_view name, const ZooOptions& options = {}) {
  return zoo::build(name, options).total_cost().parameters;
}

std::string error_of(std::string_view name, const ZooOptions& options = {}) {
  try {
    zoo::build(name, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// conv: filters * (kernel area * channels + 1); dense: units * (inputs + 1); batch norm: 2 * channels.
TEST(Zoo, HasThePublishedParameterCounts) {
  // conv1 6*(25+1) = 156, conv2 16*(150+1) = 2416, conv3 120*(400+1) = 48120, fc1 84*(120+1) = 10164, fc2 10*85 = 850
  EXPECT_EQ(parameters("lenet5"), 61706);
  // 156 + 2416 as above, fc1 120*(5*5*16+1) = 48120, fc2 100*121 = 12100, fc3 10*101 = 1010
  EXPECT_EQ(parameters("digits"), 63802);
  // fc1 300*(784+1) = 235500, fc2 100*301 = 30100, fc3 10*101 = 1010
  EXPECT_EQ(parameters("mlp"), 266610);
  // conv_1_1 10*(27+1) = 280, three of 10*(90+1) = 910, output 10*(13*13*10+1) = 16910
  EXPECT_EQ(parameters("tinyvgg"), 19920);
  // conv 896 + 9248 + 18496 + 36928, bn 64 + 64 + 128 + 128, fc1 512*(8*8*64+1) = 2097664, bn 1024, fc2 5130
  EXPECT_EQ(parameters("minivgg"), 2169770);
}

// Keras prints 2,171,178 for MiniVGGNet, 1,408 of them not trained.
TEST(Zoo, MinivggKeepsTwoRunningStatisticsPerNormalisedChannel) {
  const Graph graph = zoo::build("minivgg");
  int64_t all = 0;
  for (const ParameterSpec& spec : graph.parameters()) all += spec.shape.elements();
  EXPECT_EQ(all, 2171178);
}

TEST(Zoo, EndsInLogitsOfItsClasses) {
  for (const ZooEntry& entry : zoo::list()) {
    SCOPED_TRACE(entry.name);
    Graph graph = zoo::build(entry.name);
    EXPECT_EQ(graph.output().shape().back(), entry.classes);
    EXPECT_EQ(graph.node(graph.find("input")).shape.without_batch(), entry.input);
  }
}

TEST(Zoo, PublishedAccuraciesAreWhole) {
  int published = 0;
  for (const ZooEntry& entry : zoo::list()) {
    SCOPED_TRACE(entry.name);
    const auto& [top1, top5, source] = entry.accuracy;
    EXPECT_EQ(top1 > 0, !source.empty());
    if (top1 == 0) continue;
    ++published;
    EXPECT_GT(top1, 50);
    EXPECT_LT(top1, top5);
    EXPECT_LT(top5, 100);
    EXPECT_EQ(entry.classes, 1000);
  }
  EXPECT_GT(published, 40);
}

TEST(Zoo, GivesThePapersShapes) {
  Graph lenet5 = zoo::build("lenet5");
  EXPECT_EQ(lenet5.value("pool1").shape(), Shape({1, 14, 14, 6}));
  EXPECT_EQ(lenet5.value("pool2").shape(), Shape({1, 5, 5, 16}));
  EXPECT_EQ(lenet5.value("conv3").shape(), Shape({1, 1, 1, 120}));
  Graph tinyvgg = zoo::build("tinyvgg");
  EXPECT_EQ(tinyvgg.value("relu_1_2").shape(), Shape({1, 60, 60, 10}));
  EXPECT_EQ(tinyvgg.value("max_pool_2").shape(), Shape({1, 13, 13, 10}));
}

TEST(Zoo, AdaptsToOtherInputsAndClasses) {
  for (const ZooEntry& entry : zoo::list()) {
    SCOPED_TRACE(entry.name);
    Graph graph = zoo::build(entry.name, {.input = {96, 80, 4}, .classes = 7});
    EXPECT_EQ(graph.output().shape().back(), 7);
  }
  EXPECT_EQ(parameters("mlp", {.input = {32, 32, 3}, .classes = 100}), 300 * 3073 + 30100 + 10100);
}

TEST(Zoo, NamesTheNodeWhereAnInputDoesNotFit) {
  EXPECT_THAT(error_of("lenet5", {.input = {16, 16, 1}}),
              AllOf(HasSubstr("lenet5"), HasSubstr("16x16x1"), HasSubstr("32x32x1"), HasSubstr("'conv3'")));
  EXPECT_THAT(error_of("lenet5", {.input = {32, 32}}), HasSubstr("height x width x channels"));
  EXPECT_THAT(error_of("mlp", {.input = {0, 28, 1}}), HasSubstr("0x28x1"));
  EXPECT_THAT(error_of("mlp", {.classes = -1}), HasSubstr("-1"));
}

TEST(Zoo, SuggestsTheNearestName) {
  EXPECT_THAT(error_of("lenet"), AllOf(HasSubstr("unknown model 'lenet'"), HasSubstr("did you mean 'lenet5'?"),
                                       HasSubstr("'fovea zoo' lists them")));
  EXPECT_THAT(error_of(""), HasSubstr("unknown model ''"));
}

TEST(Zoo, FillsParametersFromTheSeed) {
  const Model a = zoo::create("lenet5", {}, 7);
  const Model b = zoo::create("lenet5", {}, 7);
  const Model c = zoo::create("lenet5", {}, 8);
  for (size_t i = 0; i < a.parameters().size(); ++i) {
    EXPECT_TRUE(std::ranges::equal(a.parameters()[i].values(), b.parameters()[i].values()));
  }
  EXPECT_FALSE(std::ranges::equal(a.parameter("conv1.weight").values(), c.parameter("conv1.weight").values()));
}

// Xavier is bounded by sqrt(6 / (fan_in + fan_out)); He is normal, of deviation sqrt(2 / fan_in).
TEST(Zoo, InitialisesByTheActivation) {
  const Model lenet5 = zoo::create("lenet5");
  const float bound = std::sqrt(6.0F / (120 + 84));
  for (const float w : lenet5.parameter("fc1.weight").values()) ASSERT_LE(std::abs(w), bound);
  const Model mlp = zoo::create("mlp");
  double squares = 0;
  for (const float w : mlp.parameter("fc1.weight").values()) squares += static_cast<double>(w) * w;
  EXPECT_NEAR(squares / (300 * 784), 2.0 / 784, 0.02 * 2.0 / 784);
}

// The larger ones run in zoo_parity_test.cpp and zoo_overfit_test.cpp. With the batch's statistics: those of a fresh
// network do not keep the sums of preresnet1001 from growing beyond a float.
TEST(Zoo, RunsEverySmallNetwork) {
  for (const ZooEntry& entry : zoo::list()) {
    if (zoo::build(entry.name).total_cost().multiply_adds > 100'000'000) continue;
    SCOPED_TRACE(entry.name);
    Model model = zoo::create(entry.name, {}, 3);
    Session session(model, {.batch = 2, .training = true});
    std::ranges::fill(session.input("input"), 0.5F);
    session.forward();
    EXPECT_EQ(session.output().size(), static_cast<size_t>(2 * entry.classes));
    for (const float logit : session.output()) EXPECT_TRUE(std::isfinite(logit));
    EXPECT_NE(session.output()[0], session.output()[1]);
  }
}

TEST(ZooStart, GatesAreClosed) {
  const Model model = zoo::create("resnet20_shortcut_gate");
  int gates = 0;
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    const std::string& name = model.graph().parameters()[i].name;
    if (!name.ends_with(".bias")) continue;
    const float expected = name.ends_with("gate.bias") ? -6.0F : 0.0F;
    EXPECT_THAT(model.parameters()[i].values(), Each(expected)) << name;
    gates += expected == -6.0F ? 1 : 0;
  }
  EXPECT_EQ(gates, 9);
}

// Away from the border, beyond which a transposed convolution sees zeros.
TEST(ZooStart, FullyConvolutionalNetworksInterpolateAndScoreNothing) {
  Graph graph;
  const Value x = graph.input("input", {5, 5, 2});
  resize(x, {.size = {10}, .method = Interpolation::linear});
  conv(Scope(graph) / "score_pool4", x, {.filters = 2});
  conv_transpose(Scope(graph) / "upscore2", x, {.filters = 2, .kernel = 4, .stride = 2, .padding = 1, .bias = false});
  Model model(std::move(graph), 1);
  zoo::find("fcn8s_vgg16").start(model);
  Session session(model, {.keep = {"resize", "score_pool4", "upscore2"}});
  const std::span<float> input = session.input("input");
  for (size_t i = 0; i < input.size(); ++i) input[i] = Random(3).normal(i);
  session.forward();
  EXPECT_THAT(session.activation("score_pool4"), Each(0.0F));
  for (int64_t place = 0; place < 200; ++place) {
    const int64_t row = place / 20;
    const int64_t column = place / 2 % 10;
    if (std::min(row, column) == 0 || std::max(row, column) == 9) continue;
    const auto at = static_cast<size_t>(place);
    EXPECT_NEAR(session.activation("upscore2")[at], session.activation("resize")[at], 1e-5) << row << ' ' << column;
  }
}

}  // namespace
}  // namespace fovea
