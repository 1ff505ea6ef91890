#include "fovea/starting_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "fovea/ops.h"
#include "fovea/random.h"
#include "fovea/session.h"
#include "test_files.h"

namespace fovea {
namespace {

using ::testing::HasSubstr;

constexpr int side = 9;

// Colours that go together, and neighbours that are alike: far from white.
std::shared_ptr<const Dataset> smooth_pictures(int64_t count) {
  std::vector<Image> images;
  for (int64_t i = 0; i < count; ++i) {
    const Random random(1, static_cast<uint64_t>(i));
    Image image{side, side, 3, {}};
    for (int pixel = 0; pixel < side * side; ++pixel) {
      const float common = random.uniform(static_cast<uint64_t>(pixel / 4));
      for (int c = 0; c < 3; ++c) {
        const float own = random.uniform(1000 + static_cast<uint64_t>(3 * pixel + c));
        image.pixels.push_back(static_cast<uint8_t>(180 * common + 60 * own));
      }
    }
    images.push_back(std::move(image));
  }
  return make_dataset(std::move(images), std::vector<int64_t>(static_cast<size_t>(count)), {"all"});
}

Model network(const ConvOptions& options) {
  Graph graph;
  graph.set_output(conv(Scope(graph) / "first", graph.input("input", {side, side, 3}), options));
  Model model(std::move(graph));
  model.preprocessing = {
      .height = side, .width = side, .channels = 3, .mean = {0.5F, 0.5F, 0.5F}, .std = {0.2F, 0.2F, 0.2F}};
  return model;
}

TEST(Whiten, GivesOutputsOfUnitVarianceThatHaveNothingInCommon) {
  const auto dataset = smooth_pictures(60);
  Model model = network({.filters = 24, .kernel = 2});
  whiten(model, "first", *dataset, {.pictures = 60, .epsilon = 1e-9});

  Session session(model, {.batch = 60});
  Preprocessor preprocessor(model.preprocessing);
  Image image;
  for (int64_t i = 0; i < 60; ++i) {
    dataset->read(i, image);
    preprocessor.run(image, session.input("input").data() + i * side * side * 3);
  }
  session.forward();
  const std::span<const float> y = session.output();  // {rows, 24}
  const size_t rows = y.size() / 24;
  for (size_t a = 0; a < 24; ++a) {
    for (size_t b = a; b < 24; ++b) {
      double sum = 0;
      for (size_t row = 0; row < rows; ++row)
        sum += static_cast<double>(y[row * 24 + a]) * static_cast<double>(y[row * 24 + b]);
      const double wanted = a == b ? 1 : b == a + 12 ? -1 : 0;
      EXPECT_NEAR(sum / static_cast<double>(rows), wanted, 2e-3) << a << " " << b;
    }
  }
}

TEST(Whiten, LeavesFiltersBeyondAndEmptiesTheBias) {
  Model model = network({.filters = 30, .kernel = 2});
  model.parameter("first.bias").values()[0] = 7;
  const std::vector<float> before(model.parameter("first.weight").values().begin(),
                                  model.parameter("first.weight").values().end());
  whiten(model, "first", *smooth_pictures(5));
  const std::span<const float> after = model.parameter("first.weight").values();
  for (size_t i = 24 * 12; i < after.size(); ++i) ASSERT_EQ(after[i], before[i]);
  EXPECT_NE(after[0], before[0]);
  EXPECT_EQ(model.parameter("first.bias")[0], 0);
}

TEST(Whiten, SaysWhatItCannotWhiten) {
  const auto dataset = smooth_pictures(2);
  Model model = network({.filters = 8, .kernel = 2});
  const auto refusal = [&](const char* name) {
    return error_of(ErrorKind::usage, [&] { whiten(model, name, *dataset); });
  };
  EXPECT_THAT(refusal("frist"), HasSubstr("no convolution 'frist'; did you mean 'first'?"));
  EXPECT_THAT(refusal("first"), HasSubstr("has 8 filters; patches of 2x2x3 have 12 directions"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { whiten(model, "first", *dataset, {.pictures = 0}); }),
              HasSubstr("at least one"));
}

TEST(PassChannelsOn, LeavesThePictureAsItIsInTheFirstFilters) {
  Model model = network({.filters = 5, .kernel = 3, .padding = 1});
  const std::vector<float> before(model.parameter("first.weight").values().begin(),
                                  model.parameter("first.weight").values().end());
  pass_channels_on(model);
  Session session(model, {.batch = 1});
  const std::span<float> x = session.input("input");
  for (size_t i = 0; i < x.size(); ++i) x[i] = Random(3).normal(i);
  session.forward();
  const std::span<const float> y = session.output();
  for (size_t pixel = 0; pixel < side * side; ++pixel) {
    for (size_t c = 0; c < 3; ++c) ASSERT_EQ(y[5 * pixel + c], x[3 * pixel + c]);
  }
  const std::span<const float> after = model.parameter("first.weight").values();
  for (size_t i = 3 * 27; i < after.size(); ++i) ASSERT_EQ(after[i], before[i]);
}

TEST(PassChannelsOn, DoesNotTouchEvenWindowsAndGroups) {
  for (const ConvOptions& options :
       {ConvOptions{.filters = 6, .kernel = 2}, ConvOptions{.filters = 6, .kernel = 3, .groups = 3}}) {
    Model model = network(options);
    const std::vector<float> before(model.parameter("first.weight").values().begin(),
                                    model.parameter("first.weight").values().end());
    pass_channels_on(model);
    EXPECT_THAT(model.parameter("first.weight").values(), ::testing::ElementsAreArray(before));
  }
}

}  // namespace
}  // namespace fovea
