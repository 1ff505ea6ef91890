#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fovea/shape.h"

// What keeps searched pictures {H, W, C} looking like pictures.
namespace fovea {

// sum over pixels and channels of sqrt(dx^2 + dy^2 + 1e-6), dx and dy the differences to the right and lower neighbours
// (none: 0). Adds `weight` times its gradient.
double total_variation(const Shape& shape, std::span<const float> pixels, double weight, std::span<float> gradient);

// Gaussian of that sigma (pixels), the picture mirrored at its edges.
void blur(const Shape& shape, double sigma, std::span<float> pixels);

// out[y][x] = in[y - down][x - right], around the edges.
std::vector<float> rolled(const Shape& shape, std::span<const float> pixels, int64_t down, int64_t right);

// Bilinear to {height, width}, as ops.h's resize has it.
std::vector<float> resized(const Shape& shape, std::span<const float> pixels, int64_t height, int64_t width);

// Divides the part of each frequency f (cycles per pixel of the cosine transform, at least half a cycle in the longer
// side) by f^exponent.
class FrequencyFilter {
 public:
  FrequencyFilter(const Shape& shape, double exponent);
  void apply(std::span<float> pixels) const;

 private:
  Shape shape_;
  std::vector<float> rows_, columns_;  // cosine transforms {H, H} and {W, W}, row-major, orthonormal
  std::vector<float> factors_;         // {H, W}
};

}  // namespace fovea
