#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "fovea/data.h"
#include "pictures.h"
#include "test_files.h"

// How pictures become a network's input.
namespace fovea {
namespace {

using ::testing::HasSubstr;

TEST(Statistics, AreThoseOfThePixels) {
  const auto dataset = make_dataset({{1, 2, 3, {0, 255, 51, 102, 255, 51}}, {1, 1, 3, {255, 255, 51}}}, {0, 0}, {"a"});
  const Statistics statistics = measure_statistics(*dataset, 3);
  EXPECT_FLOAT_EQ(statistics.mean[0], static_cast<float>((0 + 0.4 + 1) / 3));
  EXPECT_NEAR(statistics.std[0], std::sqrt((0.16 + 1) / 3 - 1.96 / 9), 1e-6);
  EXPECT_FLOAT_EQ(statistics.mean[2], 0.2F);
  EXPECT_FLOAT_EQ(statistics.std[2], 1.0F / 255);  // constant, yet fit to divide by
  EXPECT_FLOAT_EQ(measure_statistics(*dataset, 1, 1).mean[0], (156.0F + 186.0F) / 2 / 255);  // the first picture's luma
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { measure_statistics(*dataset, 2); }), HasSubstr("2 channels"));
}

TEST(Preprocess, ConvertsResizesPadsAndNormalises) {
  const Preprocessing settings{.height = 4, .width = 5, .channels = 1, .padding = 1, .mean = {0.5F}, .std = {0.25F}};
  const Image image{2, 3, 1, {0, 51, 102, 153, 204, 255}};
  const Tensor tensor = preprocess(image, settings);
  ASSERT_EQ(tensor.shape(), Shape({1, 4, 5, 1}));
  const std::vector<float> expected = {-2, -2,   -2,   -2, -2, -2, -2, -1.2F, -0.4F, -2,
                                       -2, 0.4F, 1.2F, 2,  -2, -2, -2, -2,    -2,    -2};
  for (int64_t i = 0; i < 20; ++i) EXPECT_NEAR(tensor[i], expected[static_cast<size_t>(i)], 1e-6) << i;

  const Tensor from_large = preprocess(plain(20, 20, 3, 51), settings);
  EXPECT_NEAR(from_large[6], -1.2F, 1e-6);
  const Preprocessing colour{
      .height = 2, .width = 3, .channels = 3, .padding = 0, .mean = {0, 0.5F, 1}, .std = {1, 2, 4}};
  const Tensor from_grey = preprocess(image, colour);
  EXPECT_NEAR(from_grey[3], 0.2F, 1e-6);
  EXPECT_NEAR(from_grey[4], -0.15F, 1e-6);
  EXPECT_NEAR(from_grey[5], -0.2F, 1e-6);
}

TEST(Preprocess, RefusesNonsense) {
  const Preprocessing good{.height = 4, .width = 4, .channels = 1, .padding = 1, .mean = {0}, .std = {1}};
  const auto refusal = [&](const auto& change) {
    Preprocessing bad = good;
    change(bad);
    return error_of(ErrorKind::usage, [&] { preprocess(plain(2, 2, 1, 0), bad); });
  };
  EXPECT_THAT(refusal([](auto& p) { p.channels = 2; }), HasSubstr("channels must be 1 or 3, got 2"));
  EXPECT_THAT(refusal([](auto& p) { p.height = 0; }), HasSubstr("got 0x4"));
  EXPECT_THAT(refusal([](auto& p) { p.height = p.width = 100'000; }), HasSubstr("got 100000x100000"));
  EXPECT_THAT(refusal([](auto& p) { p.padding = 2; }), HasSubstr("padding 2 leaves no picture within 4x4"));
  EXPECT_THAT(refusal([](auto& p) { p.padding = -1; }), HasSubstr("padding -1"));
  EXPECT_THAT(refusal([](auto& p) { p.mean = {}; }), HasSubstr("mean needs one value per channel, 1, got 0"));
  EXPECT_THAT(refusal([](auto& p) { p.std = {0}; }), HasSubstr("std must be above 0, got 0"));
  EXPECT_THAT(refusal([](auto& p) { p.std = {std::nanf("")}; }), HasSubstr("std must be finite"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { preprocess(Image{}, good); }), HasSubstr("at least one pixel"));
}

}  // namespace
}  // namespace fovea
