// Networks over sequences and volumes, and a decoder of transposed convolutions, learn one batch by heart.
#include <gtest/gtest.h>

#include <vector>

#include "fovea/ops.h"
#include "fovea/optim.h"
#include "fovea/session.h"
#include "fovea/text_form.h"

namespace fovea {
namespace {

constexpr int64_t batch = 8;

// Trains `graph`, whose output is a loss over "input" and "target", on one batch; the loss before and after.
std::pair<float, float> learn(Graph graph, const std::vector<float>& target, int steps, double rate) {
  const std::string loss = graph.output().name();
  Model model(std::move(graph), 3);
  Session session(model, {.batch = batch, .training = true, .differentiate = loss});
  const auto optimizer = make_optimizer(Sgd{.lr = rate, .momentum = 0.9}, model);
  const Random random(5);
  for (size_t i = 0; i < session.input("input").size(); ++i) {
    session.input("input")[i] = static_cast<float>(random.uniform(i)) - 0.5F;
  }
  std::ranges::copy(target, session.input("target").begin());
  float first = 0;
  for (int step = 0; step < steps; ++step) {
    session.forward();
    if (step == 0) first = session.output()[0];
    session.backward();
    std::vector<std::span<const float>> gradients;
    for (size_t i = 0; i < model.parameters().size(); ++i) gradients.push_back(session.parameter_gradient(i));
    optimizer->step(gradients, rate);
    session.parameters_changed();
  }
  session.forward();
  return {first, session.output()[0]};
}

void expect_learns_classes(const std::string& text, const Shape& input) {
  Graph graph = graph_from_text(text, input);
  const Value logits = graph.output();
  cross_entropy(logits, graph.input("target", {}));
  const auto [before, after] = learn(std::move(graph), {0, 1, 2, 3, 0, 1, 2, 3}, 60, 0.02);
  EXPECT_GT(before, 1);
  EXPECT_LT(after, 0.01);
}

TEST(RanksTraining, SequencesAreLearned) {
  expect_learns_classes(
      "conv 16 5 pad 2 nobias, bn, relu, maxpool 2, conv 16 3 stride 2, relu, separable 24 3 pad 1, relu, avgpool 2, "
      "flatten, fc 4",
      {40, 3});
}

TEST(RanksTraining, VolumesAreLearned) {
  expect_learns_classes("conv 8 3 pad 1 nobias, bn, relu, maxpool 2, conv 16 2x3x3 pad 0x1x1, relu, flatten, fc 4",
                        {6, 10, 10, 2});
}

// Four pictures from a code of a few numbers.
TEST(RanksTraining, ADecoderDrawsPictures) {
  Graph graph = graph_from_text(
      "convt 32 4 nobias, bn, relu, convt 16 4 stride 2 pad 1 nobias, bn, relu, "
      "convt 1 3 stride 2 pad 1 outpad 1",
      {1, 1, 8});
  const Value drawn = graph.output();
  EXPECT_EQ(drawn.shape(), Shape({1, 16, 16, 1}));
  mse(drawn, graph.input("target", {16, 16, 1}));
  std::vector<float> pictures;
  for (int n = 0; n < batch; ++n) {
    for (int i = 0; i < 16; ++i) {
      for (int j = 0; j < 16; ++j) pictures.push_back((i / (2 + n % 4) + j / (2 + n / 4)) % 2 == 0 ? 1.0F : 0.0F);
    }
  }
  const auto [before, after] = learn(std::move(graph), pictures, 500, 0.08);
  EXPECT_GT(before, 0.2);
  EXPECT_LT(after, 0.02);
}

}  // namespace
}  // namespace fovea
