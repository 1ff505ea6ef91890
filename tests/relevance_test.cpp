#include "fovea/relevance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "fovea/ops.h"
#include "fovea/zoo.h"
#include "noise.h"
#include "test_files.h"

namespace fovea::explain {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::HasSubstr;

double sum(const Tensor& values) { return std::accumulate(values.values().begin(), values.values().end(), 0.0); }

// Contributions of (1, -2, 3, 0) by (3, -1, -2, 5) and a bias of 4: 3, 2, -6, 0 give a score of 3. Those above zero
// share it: 3 / 5 and 2 / 5 of 3. With a bias of -4 the score is -5, which the third input alone made.
TEST(Relevance, OfOneLayerByHand) {
  Graph graph;
  dense(Scope(graph) / "fc", graph.input("input", {4}), 1);
  Model model(std::move(graph), 1);
  std::ranges::copy(std::vector<float>{3, -1, -2, 5}, model.parameter("fc.weight").values().begin());
  Probe probe(model);
  const Tensor x(Shape{1, 4}, std::vector<float>{1, -2, 3, 0});
  model.parameter("fc.bias")[0] = 4;
  EXPECT_THAT(relevance(probe, x, {0}).values(), ElementsAre(FloatEq(1.8F), FloatEq(1.2F), 0, 0));
  model.parameter("fc.bias")[0] = -4;
  Probe again(model);
  EXPECT_THAT(relevance(again, x, {0}).values(), ElementsAre(0, 0, FloatEq(-5), 0));
}

// A normalisation with a scale of -1 turns the signs of contributions round: the score 7 = -(-6 - 1) comes from -6, -1.
TEST(Relevance, ANormalisationTurnsSignsRound) {
  Graph graph;
  const Scope s(graph);
  dense(s / "fc", relu(batch_norm(s / "bn", dense(s / "first", graph.input("input", {3}), 1), {.epsilon = 1e-12})), 1);
  Model model(std::move(graph), 1);
  std::ranges::copy(std::vector<float>{-2, 1, 2}, model.parameter("first.weight").values().begin());
  model.parameter("bn.weight")[0] = -1;
  model.parameter("fc.weight")[0] = 1;
  Probe probe(model);
  const Tensor x(Shape{1, 3}, std::vector<float>{3, -1, 0});
  EXPECT_THAT(relevance(probe, x, {0}).values(), ElementsAre(FloatEq(6), FloatEq(1), 0));
}

// Normalisation, maximum, average, sum with a shortcut, gates, concatenation, slices. Exactly, where all that a sum has
// comes from its inputs; biases take a little.
TEST(Relevance, SumsUpToTheScore) {
  for (const char* name : {"lenet5", "seresnet18", "squeezenet1_1", "shufflenet_v2_x0_5"}) {
    SCOPED_TRACE(name);
    const Shape input = name == std::string_view("lenet5") ? Shape{32, 32, 1} : Shape{64, 64, 3};
    Model model = zoo::create(name, {.input = input, .classes = 10}, 3);
    Probe probe(model);
    const Tensor x = noise(probe.input_shape(), 1);
    const auto expect_sum = [&](double tolerance) {
      const std::vector<float> scores = probe.scores(x);
      const auto top = std::ranges::max_element(scores) - scores.begin();
      const float score = scores[static_cast<size_t>(top)];
      const Tensor map = relevance(probe, x, {top});
      EXPECT_EQ(map.shape(), input);
      EXPECT_GT(score, 0.01F);
      EXPECT_NEAR(sum(map), score, tolerance * score);
    };
    expect_sum(1e-4);
    for (size_t i = 0; i < model.parameters().size(); ++i) {
      if (!model.graph().parameters()[i].name.ends_with("bias")) continue;
      for (int64_t k = 0; k < model.parameters()[i].size(); ++k) {
        model.parameters()[i][k] = 0.02F * Random(4, i).normal(static_cast<uint64_t>(k));
      }
    }
    probe = Probe(model);
    expect_sum(0.03);
  }
}

TEST(Relevance, NamesTheNodeWithoutARule) {
  Graph graph;
  const Scope s(graph);
  const Value x = graph.input("input", {4});
  dense(s / "fc", divide(x, abs(x)), 2);
  Model model(std::move(graph), 1);
  Probe probe(model);
  const Tensor ones(Shape{1, 4}, std::vector<float>(4, 1));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { relevance(probe, ones, {0}); }), HasSubstr("node 'divide' (divide)"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { relevance(probe, ones, {2}); }), HasSubstr("got number 2"));
}

}  // namespace
}  // namespace fovea::explain
