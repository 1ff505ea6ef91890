// Numbers that the courses work out by hand: shapes, parameters, cost and receptive fields, as the summary gives them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/ops.h"
#include "fovea/summary.h"
#include "fovea/text_form.h"

namespace fovea {
namespace {

int64_t weights(const Graph& graph) {  // without biases
  int64_t count = 0;
  for (const ParameterSpec& spec : graph.parameters()) count += spec.shape.rank() > 1 ? spec.shape.elements() : 0;
  return count;
}

TEST(WorkedShapes, TenFiltersHave760Parameters) {
  Graph graph;
  const Value y =
      conv(Scope(graph) / "conv", graph.input("x", {32, 32, 3}), {.filters = 10, .kernel = 5, .padding = 2});
  EXPECT_EQ(y.shape(), Shape({1, 32, 32, 10}));
  EXPECT_EQ(summarize(graph).parameters, 760);
}

// Side of a picture after each of `layers` 5x5 convolutions.
int64_t side_after(int64_t side, int layers) {
  Graph graph;
  Value x = graph.input("x", {side, side, 1});
  for (int i = 0; i < layers; ++i)
    x = conv(Scope(graph) / ("conv" + std::to_string(i)), x, {.filters = 1, .kernel = 5});
  return x.shape()[1];
}

// Every 5x5 layer takes 4 pixels: from 224 to 4 it takes 55 layers. (The course prints 44, which is right for 6x6.)
TEST(WorkedShapes, UnpaddedConvolutionsShrinkThePicture) {
  EXPECT_EQ(side_after(32, 1), 28);
  EXPECT_EQ(side_after(32, 7), 4);
  EXPECT_EQ(side_after(224, 55), 4);
}

// With p the total padding: floor((n - k + p + s)/s); same: floor((n - 1)/s) + 1; valid: floor((n - k)/s) + 1.
TEST(WorkedShapes, OutputExtentsFollowTheFormulas) {
  const auto extent = [](int64_t n, int64_t k, int64_t s, Padding padding) {
    Graph graph;
    const Value x = graph.input("x", {n, n, 1});
    const Value y = conv(Scope(graph) / "y", x, {.filters = 1, .kernel = k, .stride = s, .padding = padding});
    EXPECT_EQ(y.shape()[1], y.shape()[2]);
    return y.shape()[1];
  };
  for (const int64_t n : {7, 8, 13}) {
    for (const int64_t k : {1, 2, 3, 5}) {
      for (const int64_t s : {1, 2, 3}) {
        EXPECT_EQ(extent(n, k, s, Padding(1, 0, 1, 0)), (n - k + 1 + s) / s);
        EXPECT_EQ(extent(n, k, s, 2), (n - k + 4 + s) / s);
        EXPECT_EQ(extent(n, k, s, Padding::same()), (n - 1) / s + 1);
        EXPECT_EQ(extent(n, k, s, Padding::valid()), (n - k) / s + 1);
      }
    }
  }
}

// (7 - 3)/3 + 1 is 2.33: the border's last pixels are not seen.
TEST(WorkedShapes, AStrideOfThreeDoesNotTileSevenPixels) {
  const auto summary = [](int stride) {
    return summarize(graph_from_text("conv 1 3x3 stride " + std::to_string(stride), {7, 7, 1}));
  };
  EXPECT_EQ(summary(1).rows.back().output, Shape({5, 5, 1}));
  EXPECT_EQ(summary(2).rows.back().output, Shape({3, 3, 1}));
  EXPECT_THAT(summary(1).warnings, ::testing::IsEmpty());
  EXPECT_THAT(summary(2).warnings, ::testing::IsEmpty());
  EXPECT_THAT(summary(3).warnings, ::testing::ElementsAre(::testing::HasSubstr("2.33 windows")));
}

// F*F*K*L*H*W
TEST(WorkedShapes, CountsMultiplyAdds) {
  Graph graph;
  conv(Scope(graph) / "conv", graph.input("x", {64, 64, 100}), {.filters = 100, .kernel = 5, .padding = 2});
  EXPECT_EQ(summarize(graph).multiply_adds, 1'024'000'000);
}

TEST(WorkedShapes, BottlenecksAndSeparableConvolutionsSaveWeights) {
  Graph plain;
  conv(Scope(plain) / "conv", plain.input("x", {14, 14, 256}), {.filters = 256, .kernel = 3, .padding = 1});
  EXPECT_EQ(weights(plain), 589'824);

  Graph bottleneck;
  Value x = bottleneck.input("x", {14, 14, 256});
  x = conv(Scope(bottleneck) / "reduce", x, {.filters = 64, .kernel = 1});
  x = conv(Scope(bottleneck) / "conv", x, {.filters = 64, .kernel = 3, .padding = 1});
  conv(Scope(bottleneck) / "expand", x, {.filters = 256, .kernel = 1});
  EXPECT_EQ(weights(bottleneck), 69'632);  // 16384 + 36864 + 16384

  Graph separable;
  x = separable.input("x", {14, 14, 256});
  separable_conv(Scope(separable) / "separable", x, {.filters = 256, .kernel = 3, .padding = 1});
  EXPECT_EQ(weights(separable), 67'840);  // 2304 + 65536
  EXPECT_NEAR(589'824.0 / 67'840, 8.7, 0.05);
}

// The convolution of a branch; padding keeps 28x28.
Value branch(Value x, const std::string& name, int64_t filters, int64_t kernel) {
  return conv(Scope(x.graph()) / name, x, {.filters = filters, .kernel = kernel, .padding = (kernel - 1) / 2});
}

TEST(WorkedShapes, NaiveInceptionCosts854MillionMultiplyAdds) {
  Graph graph;
  const Value x = graph.input("x", {28, 28, 256});
  const Value pool = max_pool(x, {.kernel = 3, .stride = 1, .padding = 1});
  const Value y = concatenate({branch(x, "1x1", 128, 1), branch(x, "3x3", 192, 3), branch(x, "5x5", 96, 5), pool});
  EXPECT_EQ(y.shape(), Shape({1, 28, 28, 672}));
  EXPECT_EQ(summarize(graph).multiply_adds, 854'196'224);
}

TEST(WorkedShapes, InceptionWithBottlenecksCosts271MillionMultiplyAdds) {
  Graph graph;
  const Value x = graph.input("x", {28, 28, 256});
  const Value b3 = branch(branch(x, "reduce3", 64, 1), "3x3", 192, 3);
  const Value b5 = branch(branch(x, "reduce5", 64, 1), "5x5", 96, 5);
  const Value pool = branch(max_pool(x, {.kernel = 3, .stride = 1, .padding = 1}), "pool", 64, 1);
  EXPECT_EQ(concatenate({branch(x, "1x1", 128, 1), b3, b5, pool}).shape(), Shape({1, 28, 28, 480}));
  EXPECT_EQ(summarize(graph).multiply_adds, 271'351'808);
}

// Receptive field after `layers` convolutions.
int64_t field(int64_t kernel, int64_t stride, int layers) {
  Graph graph;
  Value x = graph.input("x", {256, 256, 1});
  for (int i = 0; i < layers; ++i) {
    x = conv(Scope(graph) / ("conv" + std::to_string(i)), x, {.filters = 1, .kernel = kernel, .stride = stride});
  }
  const ReceptiveField seen = summarize(graph).rows.back().receptive_field;
  EXPECT_EQ(seen.extent.at(0), seen.extent.at(1));
  EXPECT_FALSE(seen.whole);
  return seen.extent.at(0);
}

TEST(WorkedShapes, ReceptiveFieldsGrow) {
  for (int layers = 1; layers <= 6; ++layers) {
    for (const int64_t kernel : {1, 3, 5, 7}) EXPECT_EQ(field(kernel, 1, layers), 1 + layers * (kernel - 1));
    EXPECT_EQ(field(3, 2, layers), (int64_t{2} << layers) - 1);
  }
}

}  // namespace
}  // namespace fovea
