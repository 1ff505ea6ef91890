#pragma once

#include <cstdint>
#include <vector>

#include "fovea/image.h"

namespace fovea {

// Throws Error(usage) unless the image has pixels, 1 or 3 channels, and as many samples as its extents say.
void check_image(const Image& image);

// to_channels into memory that is reused; image.channels and channels are 1 and 3, or 3 and 1.
void convert_channels(const Image& image, int channels, Image& out);

// The weights of one axis of resize: output sample i is the sum of `taps` weights times the input samples from
// first[i].
class ResizeAxis {
 public:
  void prepare(int from, int to, ResizeFilter filter);

  size_t max_taps() const { return stride_; }
  int first(int i) const { return first_[static_cast<size_t>(i)]; }
  int taps(int i) const { return taps_[static_cast<size_t>(i)]; }
  const int32_t* weights(int i) const { return weights_.data() + static_cast<size_t>(i) * stride_; }

 private:
  void prepare_nearest();
  void prepare_weighted();

  int from_ = 0, to_ = 0;
  ResizeFilter filter_ = ResizeFilter::bilinear;
  size_t stride_ = 0;
  std::vector<int> first_, taps_;
  std::vector<int32_t> weights_;  // {to, stride}, in units of 2^-22
};

// A part of a picture.
struct Region {
  int top = 0;
  int left = 0;
  int height = 0;
  int width = 0;
};

// The centred window of this size, halves rounded to even.
Region center_region(int height, int width, int window_height, int window_width);

// fovea::resize that keeps its weights and memory between calls.
class Resizer {
 public:
  void run(const Image& image, int height, int width, ResizeFilter filter, Image& out);
  // The same, of which only a part is wanted.
  void run(const Image& image, int height, int width, ResizeFilter filter, const Region& part, Image& out);

 private:
  ResizeAxis columns_, rows_;
  std::vector<uint8_t> narrowed_;
  std::vector<int32_t> sums_;
};

}  // namespace fovea
