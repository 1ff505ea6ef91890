#include "fovea/look.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "fovea/explain.h"
#include "fovea/ops.h"
#include "fovea/random.h"
#include "fovea/zoo.h"
#include "test_files.h"
#include "toy.h"

namespace fovea::explain {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Look, DrawsFiltersAroundGrey) {
  Graph graph;
  const Scope s(graph);
  Value x = conv(s / "colour", graph.input("input", {4, 4, 3}), {.filters = 2, .kernel = 1});
  conv(s / "deep", x, {.filters = 3, .kernel = 1});
  Model model(std::move(graph));
  std::ranges::copy(std::vector<float>{1, 0, -1, 0.5F, -2, 2}, model.parameter("colour.weight").data());
  std::ranges::copy(std::vector<float>{1, -1, 3, 0, 0, 0}, model.parameter("deep.weight").data());
  EXPECT_EQ(filter_picture(model, "", {.magnify = 1}),
            (Image{1, 3, 3, {255, 128, 0, 255, 255, 255, 159, 0, 255}}));  // two filters beside each other, a gap
  EXPECT_EQ(filter_picture(model, "deep", {.filters = 2, .magnify = 1}),
            (Image{3, 3, 1, {255, 255, 0, 255, 255, 255, 255, 255, 128}}));  // a row for each filter
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { filter_picture(model, "input"); }), HasSubstr("no filters"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { filter_picture(zoo::create("mlp")); }), HasSubstr("no convolution"));
}

TEST(Look, DrawsActivationsOverTheirOwnRange) {
  const Tensor value(Shape{1, 1, 2, 2}, std::vector<float>{1, -4, 2, 0});  // channels {1, 2} and {-4, 0}
  const Image image = activation_picture(value, ColourMap::grey);
  EXPECT_EQ(image.width * image.height, 2 * 3);  // one above the other, or side by side with a gap
  std::vector<uint8_t> samples;
  for (size_t i = 0; i < image.pixels.size(); i += 3) samples.push_back(image.pixels[i]);
  EXPECT_EQ(samples, (std::vector<uint8_t>{128, 255, 255, 255, 0, 255}));
  EXPECT_EQ(activation_picture(Tensor(Shape{1, 4}, std::vector<float>{0, 1, 2, 4}), ColourMap::grey).height, 2);
  error_of(ErrorKind::usage, [] { activation_picture(Tensor(Shape{4, 4})); });
}

// The boxes are where gradients are not zero, and no smaller.
TEST(Look, ReceptiveBoxHoldsTheGradient) {
  Graph graph;
  const Scope s(graph);
  Value x = graph.input("input", {23, 19, 1});
  x = sigmoid(conv(s / "c1", x, {.filters = 2, .kernel = {3, 5}, .stride = 2, .padding = {1, 0}}));
  x = avg_pool(x, {.kernel = 3, .stride = 2, .padding = 1});
  Value y = conv(s / "c2", x, {.filters = 2, .kernel = 3, .padding = Padding::same()});
  x = y + conv(s / "c3", x, {.filters = 2, .kernel = 1});
  x = x * sigmoid(conv(s / "gate", global_avg_pool(y), {.filters = 2, .kernel = 1}));
  dense(s / "fc", flatten(x), 2);
  Model model(std::move(graph), 5);
  Probe probe(model);
  Tensor input(probe.input_shape());
  for (int64_t i = 0; i < input.size(); ++i) input[i] = Random(1).normal(static_cast<uint64_t>(i));
  const Shape& shape = probe.node_shape("c2");
  for (int64_t row = 0; row < shape[1]; ++row) {
    for (int64_t column = 0; column < shape[2]; ++column) {
      const Tensor slope = gradient(probe, input, {(row * shape[2] + column) * shape[3], "c2"});
      Box seen{23, 19, 0, 0};
      for (int64_t i = 0; i < slope.size(); ++i) {
        if (slope[i] == 0) continue;
        seen = {std::min(seen.top, i / 19), std::min(seen.left, i % 19), std::max(seen.bottom, i / 19 + 1),
                std::max(seen.right, i % 19 + 1)};
      }
      EXPECT_EQ(receptive_box(model.graph(), "c2", row, column), seen) << row << ' ' << column;
      EXPECT_EQ(receptive_box(model.graph(), "multiply", row, column), seen);  // the gate sees all, and does not count
    }
  }
  error_of(ErrorKind::usage, [&] { receptive_box(model.graph(), "c2", shape[1], 0); });
  error_of(ErrorKind::usage, [&] { receptive_box(model.graph(), "fc", 0, 0); });
}

// A network whose only filter answers to one pixel's brightness.
Model brightness_model() {
  Graph graph;
  const Scope s(graph);
  Value x =
      relu(conv(s / "conv", graph.input("input", {8, 8, 1}), {.filters = 2, .kernel = 3, .padding = 1, .bias = true}));
  dense(s / "fc", flatten(x), 3);
  Model model(std::move(graph));
  for (float& w : model.parameter("conv.weight").values()) w = 0;
  model.parameter("conv.weight")[4] = 1;      // channel 0: the pixel in the middle
  model.parameter("conv.weight")[9 + 4] = 1;  // channel 1: the same, less than it can ever be
  model.parameter("conv.bias")[1] = -10;
  model.preprocessing = {8, 8, 1, 0, {0}, {1}};
  return model;
}

std::shared_ptr<const Dataset> dots() {
  std::vector<Image> images;
  for (int i = 0; i < 12; ++i) {
    Image image{8, 8, 1, std::vector<uint8_t>(64, 0)};
    image.pixels[static_cast<size_t>(i * 5)] = static_cast<uint8_t>(20 * ((i * 7) % 12 + 1));  // 20, 160, 60, 200 ...
    images.push_back(image);
  }
  return make_dataset(std::move(images), std::vector<int64_t>(12), {"dots"});
}

TEST(Look, FindsThePatchesThatExciteAChannelMost) {
  Model model = brightness_model();
  const auto top = top_patches(model, dots(), "relu", {0}, {.count = 3, .batch = 5});
  ASSERT_EQ(top.size(), 1U);
  ASSERT_EQ(top[0].size(), 3U);
  std::vector<int64_t> items;
  for (const Excitation& excitation : top[0]) {
    items.push_back(excitation.item);
    EXPECT_EQ(excitation.row * 8 + excitation.column, excitation.item * 5);  // where the dot is
    EXPECT_EQ(*std::ranges::max_element(excitation.patch.pixels), std::lround(255 * excitation.value));
    EXPECT_EQ(excitation.box, receptive_box(model.graph(), "relu", excitation.row, excitation.column));
  }
  Probe probe(model);
  Image picture;
  dots()->read(5, picture);
  const Excitation& best = top[0][0];  // the dot of picture 5 at pixel 25: row 3, column 1
  EXPECT_EQ(project(probe, preprocess(picture, model.preprocessing), "relu", 0, best),
            (Image{3, 3, 1, {128, 128, 128, 128, 255, 128, 128, 128, 128}}));
  error_of(ErrorKind::usage, [&] { project(probe, preprocess(picture, model.preprocessing), "relu", 2, best); });
  EXPECT_THAT(items, ElementsAre(5, 10, 3));  // brightness 12, 11 and 10 times 20: (i * 7) % 12 = 11, 10, 9
  EXPECT_EQ(top_patches(model, dots(), "fc", {1}, {.count = 2})[0][0].patch.height, 8);
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { top_patches(model, dots(), "relu", {2}); }), HasSubstr("no channel 2"));
  error_of(ErrorKind::usage, [&] { top_patches(model, dots(), "relu", {0}, {.count = 0}); });
}

TEST(Look, FindsDeadChannels) {
  Model model = brightness_model();
  const std::vector<LayerActivity> layers = measure_activity(model, dots(), {.batch = 5});
  ASSERT_EQ(layers.size(), 3U);
  const LayerActivity& relu = layers[1];
  EXPECT_EQ(relu.layer, "relu");
  EXPECT_THAT(relu.dead, ElementsAre(1));
  EXPECT_NEAR(relu.zeros, (12 * 128 - 12) / (12 * 128.0), 1e-9);
  EXPECT_FLOAT_EQ(static_cast<float>(relu.greatest), 240.0F / 255);
  EXPECT_NEAR(relu.mean, 20 * 78 / 255.0 / (12 * 128), 1e-6);
  EXPECT_EQ(relu.weights.std, 0);
  EXPECT_TRUE(layers[0].dead.empty());
  EXPECT_NEAR(layers[0].weights.mean, 2.0 / 18, 1e-6);
  EXPECT_EQ(measure_activity(model, dots(), {.layers = {"fc"}, .max_items = 2}).size(), 1U);
}

}  // namespace
}  // namespace fovea::explain
