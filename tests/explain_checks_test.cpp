#include "fovea/explain_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "fovea/ops.h"
#include "fovea/random.h"
#include "noise.h"
#include "test_files.h"

namespace fovea::explain {
namespace {

using testing::HasSubstr;

Model small_model(uint64_t seed) {
  Graph graph;
  const Scope s(graph);
  Value x = graph.input("input", {8, 8, 1});
  x = relu(conv(s / "conv1", x, {.filters = 8, .kernel = 3, .padding = 1}));
  x = relu(conv(s / "conv2", max_pool(x, {.kernel = 2}), {.filters = 8, .kernel = 3, .padding = 1}));
  dense(s / "fc", flatten(x), 4);
  return Model(std::move(graph), seed);
}

Tensor saliency(Probe& probe, const Tensor& x, const Score& score) { return magnitude(gradient(probe, x, score)); }

// What shows the picture and not the network.
Tensor brightness(Probe&, const Tensor& x, const Score&) { return magnitude(x.reshaped(x.shape().without_batch())); }

TEST(ExplainChecks, RankCorrelation) {
  const auto tensor = [](std::vector<float> values) {
    return Tensor(Shape{static_cast<int64_t>(values.size())}, values);
  };
  EXPECT_DOUBLE_EQ(rank_correlation(tensor({1, 5, 9, 100}), tensor({0, 1, 2, 3})), 1);
  EXPECT_DOUBLE_EQ(rank_correlation(tensor({1, 5, 9, 100}), tensor({3, 2, 1, 0})), -1);
  EXPECT_DOUBLE_EQ(rank_correlation(tensor({1, 1, 1}), tensor({3, 2, 1})), 0);
  // scipy.stats.spearmanr([1, 2, 2, 4, 5], [3, 1, 4, 4, 6])
  EXPECT_NEAR(rank_correlation(tensor({1, 2, 2, 4, 5}), tensor({3, 1, 4, 4, 6})), 0.7631578947368421, 1e-12);
  error_of(ErrorKind::usage, [&] { rank_correlation(tensor({1}), tensor({1, 2})); });
}

TEST(ExplainChecks, RandomWeightsChangeTheMapOfAMethodThatExplains) {
  Model model = small_model(1);
  const Model before = model;
  Probe probe(model);
  const Tensor x = noise({1, 8, 8, 1}, 2);
  const std::vector<Randomised> stages = randomise_weights(probe, x, {1}, saliency, 3, 9);
  ASSERT_EQ(stages.size(), 3U);
  EXPECT_EQ(stages[0].layer, "fc");
  EXPECT_EQ(stages[2].layer, "conv1");
  EXPECT_LT(stages[2].correlation, 0.5);
  for (const Randomised& stage : randomise_weights(probe, x, {1}, brightness, 3))
    EXPECT_DOUBLE_EQ(stage.correlation, 1);
  for (size_t p = 0; p < before.parameters().size(); ++p) {  // the model itself stays
    EXPECT_TRUE(std::ranges::equal(before.parameters()[p].values(), model.parameters()[p].values()));
  }
  error_of(ErrorKind::usage, [&] { randomise_weights(probe, x, {1}, saliency, 0); });
}

// Class 0 is the sum of the pixels' values over the left half: its logit is 4 x the left half's sum.
TEST(ExplainChecks, DeletionAndInsertionFollowTheMap) {
  Graph graph;
  dense(Scope(graph) / "fc", flatten(graph.input("input", {4, 4, 1})), 2);
  Model model(std::move(graph));
  Tensor& weight = model.parameter("fc.weight");
  for (int64_t i = 0; i < 32; ++i) weight[i] = i < 16 && i % 4 < 2 ? 1.0F : 0.0F;
  Probe probe(model, 4);
  Tensor x(Shape{1, 4, 4, 1});
  for (int64_t i = 0; i < 16; ++i) x[i] = i % 4 == 0 ? 1.0F : i % 4 == 1 ? 0.5F : 0.0F;
  const auto probability = [](double logit) { return 1 / (1 + std::exp(-logit)); };

  const Tensor good = saliency(probe, x, {0});
  const Curve falls = deletion(probe, x, {0}, good, 4);
  ASSERT_EQ(falls.probabilities.size(),
            5U);  // four pixels a step: rows 0 and 1 of the left half, rows 2 and 3, nothing
  const std::vector<double> expected = {probability(6), probability(3), 0.5, 0.5, 0.5};
  for (size_t i = 0; i < 5; ++i) EXPECT_NEAR(falls.probabilities[i], expected[i], 1e-6) << i;
  EXPECT_NEAR(falls.area, (probability(6) / 2 + probability(3) + 0.5 + 0.5 + 0.25) / 4, 1e-6);

  Tensor bad = good;
  for (float& value : bad.values()) value = -value;
  EXPECT_GT(deletion(probe, x, {0}, bad, 4).area, falls.area);
  const Curve rises = insertion(probe, x, {0}, good, 4);
  EXPECT_NEAR(rises.probabilities[4], probability(6), 1e-6);
  EXPECT_NEAR(rises.probabilities[2], probability(6), 1e-6);  // the left half is in, the rest has no weight
  EXPECT_LT(rises.probabilities[0], probability(6));          // the blur takes brightness away

  EXPECT_THAT(error_of(ErrorKind::usage,
                       [&] {
                         deletion(probe, x, {0}, Tensor(Shape{2, 2}));
                       }),
              HasSubstr("each pixel"));
  error_of(ErrorKind::usage, [&] { insertion(probe, x, {0}, good, 0); });
  error_of(ErrorKind::usage, [&] { deletion(probe, x, {2}, good); });
}

}  // namespace
}  // namespace fovea::explain
