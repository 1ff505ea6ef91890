#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/image.h"
#include "fovea/ops.h"
#include "fovea/tensor.h"

// Filters on pictures: convolutions whose weights are fixed.
namespace fovea {

struct FilterKernel {
  int64_t height = 0;
  int64_t width = 0;
  std::vector<float> weights;  // rows from the top
};

inline constexpr int64_t max_filter_extent = 255;

// By name, each 3x3. Rows from the top, values as usual in image processing:
//   sobel-x    -1 0 1 / -2 0 2 / -1 0 1        brighter to the right (Sobel & Feldman 1968)
//   sobel-y    -1 -2 -1 / 0 0 0 / 1 2 1        brighter downwards
//   laplacian   0 1 0 / 1 -4 1 / 0 1 0         second derivative
//   sharpen     0 -1 0 / -1 5 -1 / 0 -1 0      the picture minus its Laplacian
//   emboss     -2 -1 0 / -1 1 1 / 0 1 2        as lit from the lower right
// Throws Error(usage) suggesting the nearest name.
FilterKernel named_kernel(std::string_view name);
std::vector<std::string> filter_names();  // the names above
// size x size weights of 1/size^2. Throws Error(usage) unless 1 <= size <= max_filter_extent.
FilterKernel box_kernel(int64_t size);
// exp(-(x^2 + y^2) / (2 sigma^2)) from the middle, divided by their sum. size 0: 2 ceil(3 sigma) + 1, which leaves 0.3
// % of the bell out. Throws Error(usage) unless sigma > 0 and size <= max_filter_extent.
FilterKernel gaussian_kernel(double sigma, int64_t size = 0);
// A text file: a row of numbers on each line, spaces, tabs or commas between them; what follows a # is a comment.
// Throws Error(data) when it cannot be read, Error(format) naming the line for what is no number or for rows of unequal
// length.
FilterKernel read_kernel(const std::filesystem::path& path);
// The same from a text in memory; `source` stands for the file in messages.
FilterKernel parse_kernel(std::string_view text, const std::string& source);

struct FilterOptions {
  Extents stride = 1;
  Padding padding = Padding::same();  // with zeros
  Extents dilation = 1;
};

// Convolves each channel with the kernel, by the library's own convolution (ops.h: cross-correlation, the kernel is not
// turned): {H', W', channels} of weighted sums of samples 0..255. Throws Error(usage) for an empty or inconsistent
// image or kernel, Error(format) when the kernel does not fit into the picture.
Tensor filter_image(const Image& image, const FilterKernel& kernel, const FilterOptions& options = {});

// Values rounded and cut to 0..255, as an image. Throws Error(usage) unless `values` is {height, width, 1 or 3}.
Image to_image(const Tensor& values);

}  // namespace fovea
