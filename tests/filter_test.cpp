#include "fovea/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "fovea/error.h"
#include "test_files.h"

namespace fovea {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Image grey(int height, int width, std::vector<uint8_t> pixels) { return {height, width, 1, std::move(pixels)}; }

std::vector<float> values(const Tensor& tensor) { return {tensor.values().begin(), tensor.values().end()}; }

double sum(const FilterKernel& kernel) { return std::accumulate(kernel.weights.begin(), kernel.weights.end(), 0.0); }

template <class Function>
std::string error_of(const Function& function) {
  try {
    function();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Filter, GivesTheCoursesNumbers) {
  const Image image = grey(5, 5, {3, 3, 2, 1, 0, 0, 0, 1, 3, 1, 3, 1, 2, 2, 3, 2, 0, 0, 2, 2, 2, 0, 0, 0, 1});
  const FilterKernel kernel = {3, 3, {0, 1, 2, 2, 2, 0, 0, 1, 2}};
  const Tensor y = filter_image(image, kernel, {.padding = Padding::valid()});
  EXPECT_EQ(y.shape(), Shape({3, 3, 1}));
  EXPECT_THAT(values(y), ElementsAre(12, 12, 17, 10, 17, 19, 9, 6, 14));
  // x = 0..8 with padding 1 and stride 3 (height), 2 (width)
  const Image small = grey(3, 3, {0, 1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_THAT(values(filter_image(small, {2, 2, {0, 1, 2, 3}}, {.stride = {3, 2}, .padding = 1})),
              ElementsAre(0, 8, 6, 8));
}

// Element by element, as the formula says.
TEST(Filter, TreatsEveryChannelAlike) {
  Image image{9, 7, 3, {}};
  for (int i = 0; i < 9 * 7 * 3; ++i) image.pixels.push_back(static_cast<uint8_t>(i * 37 % 251));
  const FilterKernel kernel = {2, 3, {1, -2, 0.5F, 0, 3, -1}};
  const Tensor y = filter_image(image, kernel, {.stride = {2, 1}, .padding = {1, 2}, .dilation = {3, 2}});
  ASSERT_EQ(y.shape(), Shape({4, 7, 3}));
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 7; ++j) {
      for (int c = 0; c < 3; ++c) {
        double expected = 0;
        for (int a = 0; a < 2; ++a) {
          for (int b = 0; b < 3; ++b) {
            const int row = 2 * i + 3 * a - 1;
            const int column = j + 2 * b - 2;
            if (row < 0 || row >= 9 || column < 0 || column >= 7) continue;
            expected += kernel.weights[static_cast<size_t>(a * 3 + b)] *
                        image.pixels[static_cast<size_t>((row * 7 + column) * 3 + c)];
          }
        }
        EXPECT_NEAR(y[(i * 7 + j) * 3 + c], expected, 1e-3);
      }
    }
  }
}

TEST(Filter, SobelSeesEdges) {
  const Image step = grey(3, 4, {0, 0, 200, 200, 0, 0, 200, 200, 0, 0, 200, 200});
  const FilterOptions valid = {.padding = Padding::valid()};
  EXPECT_THAT(values(filter_image(step, named_kernel("sobel-x"), valid)), ElementsAre(800, 800));
  EXPECT_THAT(values(filter_image(step, named_kernel("sobel-y"), valid)), ElementsAre(0, 0));
  EXPECT_THAT(values(filter_image(step, named_kernel("laplacian"), valid)), ElementsAre(200, -200));
  EXPECT_THAT(values(filter_image(step, named_kernel("sharpen"), valid)), ElementsAre(-200, 400));
}

TEST(Filter, KernelsThatKeepBrightnessSumToOne) {
  for (const char* name : {"sharpen", "emboss"}) EXPECT_EQ(sum(named_kernel(name)), 1) << name;
  for (const char* name : {"sobel-x", "sobel-y", "laplacian"}) EXPECT_EQ(sum(named_kernel(name)), 0) << name;
  for (const int64_t size : {1, 2, 3, 7}) EXPECT_NEAR(sum(box_kernel(size)), 1, 1e-6);
  for (const double sigma : {0.3, 1.0, 2.5}) EXPECT_NEAR(sum(gaussian_kernel(sigma)), 1, 1e-5);
}

TEST(Filter, GaussianIsABell) {
  const FilterKernel kernel = gaussian_kernel(1);
  ASSERT_EQ(kernel.height, 7);
  const auto at = [&](int row, int column) { return kernel.weights[static_cast<size_t>(row * 7 + column)]; };
  EXPECT_NEAR(at(3, 4) / at(3, 3), std::exp(-0.5), 1e-5);
  EXPECT_NEAR(at(5, 4) / at(3, 3), std::exp(-2.5), 1e-5);
  EXPECT_EQ(at(0, 2), at(6, 4));
  EXPECT_EQ(gaussian_kernel(1, 5).width, 5);
}

TEST(Filter, ReadsKernelsFromText) {
  const TempFolder folder;
  write_text(folder / "edge.txt", "# finds edges\n-1, 0 1\n\n -2\t0 2  # the middle\r\n-1e0 0 +1.0");
  EXPECT_THAT(error_of([&] { read_kernel(folder / "edge.txt"); }), HasSubstr("line 5: '+1.0' is not a number"));
  write_text(folder / "edge.txt", "# finds edges\n-1, 0 1\n\n -2\t0 2  # the middle\r\n-1e0 0 1.0");
  const FilterKernel kernel = read_kernel(folder / "edge.txt");
  EXPECT_EQ(kernel.height, 3);
  EXPECT_EQ(kernel.width, 3);
  EXPECT_EQ(kernel.weights, named_kernel("sobel-x").weights);
  const auto error = [&](const std::string& text) {
    write_text(folder / "bad.txt", text);
    return error_of([&] { read_kernel(folder / "bad.txt"); });
  };
  EXPECT_THAT(error("1 2\n1 2 3\n"),
              HasSubstr("line 2: the rows of a filter must be equally long: expected 2 numbers, got 3"));
  EXPECT_THAT(error("1 x\n"), HasSubstr("line 1: 'x' is not a number"));
  EXPECT_THAT(error("1 inf\n"), HasSubstr("'inf' is not a number"));
  EXPECT_THAT(error("# nothing\n"), HasSubstr("no numbers"));
  std::string long_row;
  for (int i = 0; i < 300; ++i) long_row += "1 ";
  EXPECT_THAT(error(long_row), HasSubstr("at most 255"));
  EXPECT_THAT(error_of([&] { read_kernel(folder / "none.txt"); }), HasSubstr("none.txt"));
}

TEST(Filter, RefusesWhatItCannotDo) {
  EXPECT_THAT(error_of([] { named_kernel("sobl-x"); }), HasSubstr("did you mean 'sobel-x'?"));
  EXPECT_THAT(error_of([] { box_kernel(0); }), HasSubstr("1 to 255, got 0"));
  EXPECT_THAT(error_of([] { gaussian_kernel(0); }), HasSubstr("above 0"));
  EXPECT_THAT(error_of([] { gaussian_kernel(100); }), HasSubstr("got 601"));
  const Image image = grey(2, 2, {1, 2, 3, 4});
  EXPECT_THAT(error_of([&] { filter_image(image, box_kernel(3), {.padding = 0}); }), HasSubstr("3x3"));
  EXPECT_THAT(error_of([&] { filter_image(image, {2, 2, {1}}); }), HasSubstr("4 weights, got 1"));
  EXPECT_THAT(error_of([] { filter_image({}, box_kernel(3)); }), HasSubstr("image"));
  EXPECT_THAT(error_of([] { to_image(Tensor(Shape{2, 2, 2})); }), HasSubstr("2x2x2"));
}

TEST(Filter, ImagesAreRoundedAndCut) {
  Tensor values(Shape{1, 5, 1});
  for (int i = 0; i < 5; ++i) values[i] = std::vector<float>{-3, 0.4F, 0.6F, 254.6F, 300}[static_cast<size_t>(i)];
  EXPECT_THAT(to_image(values).pixels, ElementsAre(0, 0, 1, 255, 255));
}

}  // namespace
}  // namespace fovea
