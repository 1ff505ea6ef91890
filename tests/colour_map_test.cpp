#include "fovea/colour_map.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>

#include "test_files.h"

namespace fovea {
namespace {

Tensor map_of(const Shape& shape, std::initializer_list<float> values) {
  return {shape, std::span(values.begin(), values.size())};
}

// Entries 0, 50, 128, 200 and 255 of matplotlib 3.6's tables.
TEST(ColourMap, EqualsThePublishedTables) {
  struct Case {
    ColourMap map;
    std::array<std::array<int, 3>, 5> expected;
  };
  const Case cases[] = {
      {ColourMap::viridis, {{{68, 1, 84}, {65, 66, 135}, {33, 145, 140}, {112, 207, 87}, {253, 231, 37}}}},
      {ColourMap::magma, {{{0, 0, 4}, {57, 15, 110}, {183, 55, 121}, {253, 152, 105}, {252, 253, 191}}}},
      {ColourMap::cividis, {{{0, 34, 78}, {52, 69, 108}, {125, 124, 120}, {196, 180, 104}, {254, 232, 56}}}},
  };
  const Tensor map = map_of({1, 5}, {0, 50, 128, 200, 255});
  for (const Case& c : cases) {
    const Image image = colour(map, c.map);
    for (size_t i = 0; i < 15; ++i) EXPECT_LE(std::abs(image.pixels[i] - c.expected[i / 3][i % 3]), 6) << i;
  }
}

TEST(ColourMap, PutsZeroInTheMiddleOfRedBlue) {
  const Image image = colour(map_of({1, 3}, {-2, 0, 1}), ColourMap::red_blue);
  const std::vector<uint8_t> expected = {5,   48,  97,  247, 247,
                                         247, 229, 131, 104};  // half way to red: between two colours
  EXPECT_EQ(image.pixels, expected);
}

TEST(ColourMap, CutsAtTheRangeAndTakesWhatIsNotFinite) {
  const Image image = colour(map_of({1, 5}, {-9, 0, 1, 9, NAN}), ColourMap::grey, {0, 1});
  EXPECT_EQ(image.pixels, (std::vector<uint8_t>{0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 0, 0, 0}));
  const ValueRange range = value_range(map_of({4}, {3, NAN, -1, INFINITY}));
  EXPECT_EQ(range.low, -1);
  EXPECT_EQ(range.high, 3);
  EXPECT_EQ(colour(map_of({1, 1}, {5}), ColourMap::grey).pixels, (std::vector<uint8_t>{0, 0, 0}));
  error_of(ErrorKind::usage, [] { colour(Tensor(Shape{2, 2, 2})); });
}

// torch.nn.functional.interpolate(torch.tensor([[[[0., 1.], [2., 5.]]]]), (3, 4), mode='bilinear')
TEST(ColourMap, EnlargesAsPyTorchDoes) {
  const Tensor large = enlarge(map_of({2, 2}, {0, 1, 2, 5}), 3, 4);
  const float expected[] = {0, 0.25F, 0.75F, 1, 1, 1.5F, 2.5F, 3, 2, 2.75F, 4.25F, 5};
  for (int64_t i = 0; i < 12; ++i) EXPECT_FLOAT_EQ(large[i], expected[i]) << i;
}

TEST(ColourMap, OverlaysAndSetsSideBySide) {
  const Image black{1, 1, 1, {0}};
  const Image red{1, 1, 3, {200, 0, 0}};
  EXPECT_EQ(overlay(black, red, 0.25).pixels, (std::vector<uint8_t>{50, 0, 0}));
  error_of(ErrorKind::usage, [&] { overlay(black, red, 1.5); });
  error_of(ErrorKind::usage, [&] { overlay(black, Image{1, 2, 1, {0, 0}}); });

  const Image row = mosaic({black, red}, 2, 1);
  EXPECT_EQ(row.pixels, (std::vector<uint8_t>{0, 0, 0, 255, 255, 255, 200, 0, 0}));
  const Image square = mosaic({black, black, black}, 0, 0);
  EXPECT_EQ(square.height, 2);
  EXPECT_EQ(square.pixels, (std::vector<uint8_t>{0, 0, 0, 255}));
  error_of(ErrorKind::usage, [] { mosaic({}); });
  EXPECT_EQ(magnify(Image{1, 2, 1, {1, 2}}, 2), (Image{2, 4, 1, {1, 1, 2, 2, 1, 1, 2, 2}}));
}

}  // namespace
}  // namespace fovea
