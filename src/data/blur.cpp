#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "fovea/error.h"
#include "fovea/image_ops.h"

namespace fovea {

namespace {

std::vector<float> gaussian(int size, double sigma) {
  std::vector<double> weights;
  const int middle = size / 2;
  for (int i = 0; i < size; ++i) weights.push_back(std::exp(-0.5 * std::pow((i - middle) / sigma, 2)));
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<float> normalised;
  for (const double weight : weights) normalised.push_back(static_cast<float>(weight / total));
  return normalised;
}

int mirrored(int place, int size) {
  const int back = place < 0 ? -place : place;
  return back < size ? back : 2 * (size - 1) - back;
}

}  // namespace

void adjust_sharpness(Image& image, double factor, Image& scratch) {
  scratch = image;  // the edge is not smoothed
  const auto channels = static_cast<size_t>(image.channels);
  const size_t row = static_cast<size_t>(image.width) * channels;
  for (int y = 1; y + 1 < image.height; ++y) {
    const uint8_t* in = image.pixels.data() + static_cast<size_t>(y) * row;
    uint8_t* out = scratch.pixels.data() + static_cast<size_t>(y) * row;
    for (size_t i = channels; i + channels < row; ++i) {
      int sum = 4 * in[i];  // the centre counts 5, its neighbours 1, of 13
      for (const uint8_t* line : {in - row, in, in + row}) sum += line[i - channels] + line[i] + line[i + channels];
      out[i] = static_cast<uint8_t>((2 * sum + 13) / 26);
    }
  }
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    const auto smooth = static_cast<double>(scratch.pixels[i]);
    image.pixels[i] = static_cast<uint8_t>(std::clamp(smooth + factor * (image.pixels[i] - smooth), 0.0, 255.0));
  }
}

void gaussian_blur(Image& image, int size, double sigma) {
  if (size < 1 || size % 2 == 0 || !(sigma > 0) || size / 2 >= std::min(image.height, image.width)) {
    throw Error(ErrorKind::usage,
                fmt::format("cannot blur a picture of {}x{} with a kernel of {} and sigma {}: the size must be odd and "
                            "its half below both sides, sigma above 0",
                            image.height, image.width, size, sigma));
  }
  const std::vector<float> weights = gaussian(size, sigma);
  const int channels = image.channels;
  std::vector<float> rows(image.pixels.size());  // blurred along rows
  const auto at = [&](int y, int x) {
    return (static_cast<size_t>(y) * static_cast<size_t>(image.width) + static_cast<size_t>(x)) *
           static_cast<size_t>(channels);
  };
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      for (int tap = 0; tap < size; ++tap) {
        const uint8_t* in = image.pixels.data() + at(y, mirrored(x + tap - size / 2, image.width));
        float* sum = rows.data() + at(y, x);
        for (int c = 0; c < channels; ++c) sum[c] += weights[static_cast<size_t>(tap)] * static_cast<float>(in[c]);
      }
    }
  }
  std::vector<float> sums(at(0, image.width));
  for (int y = 0; y < image.height; ++y) {
    std::fill(sums.begin(), sums.end(), 0.0F);
    for (int tap = 0; tap < size; ++tap) {
      const float* in = rows.data() + at(mirrored(y + tap - size / 2, image.height), 0);
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += weights[static_cast<size_t>(tap)] * in[i];
    }
    uint8_t* out = image.pixels.data() + at(y, 0);
    for (size_t i = 0; i < sums.size(); ++i) out[i] = static_cast<uint8_t>(std::lround(sums[i]));
  }
}

}  // namespace fovea
