#include "fovea/maximize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "explain/picture_network.h"
#include "explain/picture_terms.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/predict.h"
#include "fovea/random.h"
#include "fovea/zoo.h"
#include "program.h"
#include "toy.h"

namespace fovea {
namespace {

using ::testing::HasSubstr;

std::vector<float> noise(const Shape& shape, uint64_t seed) {
  const Random random(seed);
  std::vector<float> x(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < x.size(); ++i) x[i] = random.uniform(i);
  return x;
}

TEST(PictureTerms, TotalVariationHasItsGradient) {
  const Shape shape = {5, 4, 2};
  std::vector<float> x = noise(shape, 1);
  std::vector<float> gradient(x.size(), 1.0F);
  std::vector<float> ignored(x.size());
  total_variation(shape, x, 3, gradient);
  for (size_t i = 0; i < x.size(); ++i) {
    constexpr float h = 1e-3F;
    std::vector<float> there = x;
    there[i] += h;
    const double above = total_variation(shape, there, 0, ignored);
    there[i] -= 2 * h;
    const double below = total_variation(shape, there, 0, ignored);
    EXPECT_NEAR(gradient[i], 1 + 3 * (above - below) / (2 * h), 2e-2) << i;
  }
}

TEST(PictureTerms, BlurKeepsTheMeanAndSpreadsAPointAsAGaussian) {
  const Shape shape = {31, 41, 1};
  std::vector<float> x(31 * 41);
  x[15 * 41 + 20] = 1;
  blur(shape, 2, x);
  double sum = 0, variance = 0;
  for (int i = 0; i < 31 * 41; ++i) {
    sum += x[static_cast<size_t>(i)];
    variance += x[static_cast<size_t>(i)] * std::pow(i / 41 - 15, 2);
  }
  EXPECT_NEAR(sum, 1, 1e-5);
  EXPECT_NEAR(variance, 4, 0.15);  // cut at three sigma
  std::vector<float> flat(31 * 41, 0.25F);
  blur(shape, 7, flat);
  for (const float value : flat) EXPECT_NEAR(value, 0.25, 1e-5);
}

TEST(PictureTerms, RollsAroundTheEdges) {
  const Shape shape = {2, 3, 1};
  const std::vector<float> x = {0, 1, 2, 3, 4, 5};
  EXPECT_EQ(rolled(shape, x, 1, 1), (std::vector<float>{5, 3, 4, 2, 0, 1}));
  EXPECT_EQ(rolled(shape, rolled(shape, x, -7, 5), 7, -5), x);
}

TEST(PictureTerms, FrequencyFilterWeighsCosines) {
  const Shape shape = {16, 24, 2};
  std::vector<float> x(16 * 24 * 2);
  const std::vector<float> before = noise(shape, 2);
  std::vector<float> same = before;
  FrequencyFilter(shape, 0).apply(same);
  for (size_t i = 0; i < same.size(); ++i) EXPECT_NEAR(same[i], before[i], 1e-5);
  // 3 half periods down, 4 across: f = hypot(3/32, 4/48) cycles a pixel.
  for (int y = 0; y < 16; ++y) {
    for (int c = 0; c < 24; ++c) {
      x[static_cast<size_t>((y * 24 + c) * 2 + 1)] = static_cast<float>(
          std::cos(std::numbers::pi * 3 * (y + 0.5) / 16) * std::cos(std::numbers::pi * 4 * (c + 0.5) / 24));
    }
  }
  std::vector<float> filtered = x;
  FrequencyFilter(shape, 2).apply(filtered);
  const double factor = std::pow(std::hypot(3 / 32.0, 4 / 48.0), -2);
  for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(filtered[i], factor * x[i], 1e-3);
}

TEST(Maximize, FindsAPictureOfEachClass) {
  Model model = toy_model(3);
  fit(model, toy_dataset(240, 1), nullptr, toy_options());
  for (int64_t label = 0; label < 3; ++label) {
    const MaximizeOptions options = {.steps = 60, .rate = 0.05, .jitter = 0, .seed = 4};
    const Maximized result = maximize(model, {.channel = label}, options);
    EXPECT_GT(result.value, result.start_value + 1);
    // What it says of the picture is true, and a class's picture is taken for the class.
    PictureClassifier network(model);
    EXPECT_NEAR(network.logits(network.space().pixels(result.picture))[static_cast<size_t>(label)], result.value, 1e-3);
    EXPECT_EQ(network.guess(result.picture), label);
    EXPECT_EQ(maximize(model, {.channel = label}, options).picture, result.picture);
  }
}

TEST(Maximize, ExcitesChannelsAndUnitsAtOtherSizes) {
  Model model = toy_model(3);
  const Maximized channel = maximize(model, {.node = "conv", .channel = 2}, {.height = 20, .width = 12, .steps = 20});
  EXPECT_EQ(channel.picture.height, 20);
  EXPECT_EQ(channel.picture.width, 12);
  EXPECT_GT(channel.value, channel.start_value);
  // One unit moves what its 3x3 window sees, no more, when nothing spreads it.
  const MaximizeOptions plain = {
      .steps = 20, .rate = 0.1, .l2 = 0, .total_variation = 0, .blur = 0, .jitter = 0, .frequency = 0};
  const Maximized unit = maximize(model, {.node = "conv", .channel = 2, .position = {{4, 3}}}, plain);
  const Maximized other = maximize(model, {.node = "conv", .channel = 2, .position = {{1, 6}}}, plain);
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 8; ++x) {
      const bool seen = std::abs(y - 4) <= 1 && std::abs(x - 3) <= 1;
      const bool seen_by_other = std::abs(y - 1) <= 1 && std::abs(x - 6) <= 1;
      const auto at = static_cast<size_t>(y * 8 + x);
      if (!seen && !seen_by_other) {
        EXPECT_EQ(unit.picture.pixels[at], other.picture.pixels[at]);
      }
    }
  }
  EXPECT_NE(unit.picture, other.picture);
}

TEST(Maximize, RefusesWhatIsNotThere) {
  Model model = toy_model(3);
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { maximize(model, {.channel = 3}); }), HasSubstr("no channel 3"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { maximize(model, {.node = "convv"}); }), HasSubstr("'conv'"));
  error_of(ErrorKind::usage, [&] { maximize(model, {.channel = 0, .position = {{0, 0}}}); });
  error_of(ErrorKind::usage, [&] { maximize(model, {.node = "conv", .position = {{8, 0}}}); });
  error_of(ErrorKind::usage, [&] { maximize(model, {.channel = 0}, {.steps = 0}); });
  error_of(ErrorKind::format, [&] { maximize(model, {.channel = 0}, {.height = 12, .width = 9}); });
  error_of(ErrorKind::usage, [&] {
    dream(model, {8, 8, 1, std::vector<uint8_t>(64)}, {.node = "conv"}, {.scale = 1});
  });
}

TEST(Dream, ExcitesTheLayerOnThePicture) {
  Model model = toy_model(3);
  Image picture{70, 52, 1, {}};
  const Random random(3);
  for (uint64_t i = 0; i < 70 * 52; ++i) picture.pixels.push_back(static_cast<uint8_t>(100 + random.below(i, 50)));
  const Image result = dream(model, picture, {.node = "conv", .channel = 1}, {.octaves = 3, .steps = 4});
  EXPECT_EQ(result.height, 70);
  EXPECT_EQ(result.width, 52);
  const auto excitement = [&](const Image& image) {
    PictureNetwork network(model, {"conv"}, 70, 52);
    network.forward(network.space().pixels(image));
    double sum = 0;
    for (size_t i = 1; i < network.value(0).size(); i += 6) sum += network.value(0)[i];
    return sum;
  };
  EXPECT_GT(excitement(result), excitement(picture) + 100);
}

TEST(DreamProgram, WritesPicturesOfChannels) {
  const TempFolder folder;
  save_model(toy_model(3), folder / "toy.safetensors");
  const ProgramResult result = run_program(folder.path(), {"dream", "toy.safetensors", "--layer", "conv", "--channel",
                                                           "0,3", "--size", "16x24", "--steps", "5", "--out", "out"});
  ASSERT_EQ(result.code, 0) << result.err;
  for (const char* name : {"out/dream-conv-0.png", "out/dream-conv-3.png"}) {
    const Image image = read_image(folder / name);
    EXPECT_EQ(image.height, 16);
    EXPECT_EQ(image.width, 24);
  }
  EXPECT_EQ(run_program(folder.path(), {"dream", "toy.safetensors"}).code, 2);
}

}  // namespace
}  // namespace fovea
