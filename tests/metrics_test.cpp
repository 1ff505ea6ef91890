#include "fovea/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "fovea/error.h"

namespace fovea {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

TEST(Rank, CountsWhatBeatsTheLabel) {
  const std::vector<float> scores = {0.5F, 2.0F, -1.0F, 2.0F};
  EXPECT_EQ(rank_of_label(scores, 1), 0);
  EXPECT_EQ(rank_of_label(scores, 3), 1);  // of equal scores the smaller index wins
  EXPECT_EQ(rank_of_label(scores, 0), 2);
  EXPECT_EQ(rank_of_label(scores, 2), 3);
  EXPECT_EQ(predicted_class(scores), 1);
}

TEST(Rank, NanNeverWins) {
  EXPECT_EQ(rank_of_label(std::vector<float>{nan, nan, nan}, 0), 2);
  EXPECT_EQ(rank_of_label(std::vector<float>{nan, 1.0F, nan}, 1), 0);
  EXPECT_EQ(predicted_class(std::vector<float>{nan, -5.0F, nan}), 1);
}

TEST(CrossEntropy, IsMinusLogSoftmax) {
  const std::vector<float> scores = {1, 2, 3};  // softmax .09 .24 .67
  const double sum = std::exp(1) + std::exp(2) + std::exp(3);
  EXPECT_NEAR(cross_entropy_of(scores, 0), -std::log(std::exp(1) / sum), 1e-12);
  EXPECT_NEAR(cross_entropy_of(scores, 2), -std::log(std::exp(3) / sum), 1e-12);
  EXPECT_NEAR(cross_entropy_of(std::vector<float>{1000, 0}, 1), 1000, 1e-9);
}

ConfusionMatrix example() {
  ConfusionMatrix matrix({"cat", "dog, big", "owl"});
  for (int i = 0; i < 3; ++i) matrix.add(0, 0);
  matrix.add(0, 1);
  matrix.add(1, 1);
  matrix.add(1, 0);
  return matrix;
}

TEST(ConfusionMatrix, CountsAndFractions) {
  const ConfusionMatrix matrix = example();
  EXPECT_EQ(matrix.total(), 6);
  EXPECT_EQ(matrix.count(0, 0), 3);
  EXPECT_EQ(matrix.count(1, 0), 1);
  EXPECT_DOUBLE_EQ(matrix.accuracy(), 4.0 / 6);
  EXPECT_DOUBLE_EQ(matrix.recall(0), 0.75);
  EXPECT_DOUBLE_EQ(matrix.precision(1), 0.5);
  EXPECT_TRUE(std::isnan(matrix.recall(2)));
  EXPECT_TRUE(std::isnan(ConfusionMatrix({"a"}).accuracy()));
  EXPECT_THROW(example().add(3, 0), Error);
  EXPECT_THROW(example().add(0, -1), Error);
}

TEST(ConfusionMatrix, PrintsAsTextAndCsv) {
  EXPECT_EQ(example().to_csv(), "label,cat,\"dog, big\",owl\ncat,3,1,0\n\"dog, big\",1,1,0\nowl,0,0,0\n");
  EXPECT_EQ(example().to_text(),
            "                   0       1       2  recall\n"
            "  0 cat            3       1       0   75.0%\n"
            "  1 dog, big       1       1       0   50.0%\n"
            "  2 owl            0       0       0       -\n"
            "precision      75.0%   50.0%       -   66.7%\n");
}

}  // namespace
}  // namespace fovea
