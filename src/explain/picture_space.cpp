#include "explain/picture_space.h"

#include <algorithm>
#include <cmath>

#include "fovea/data.h"
#include "fovea/error.h"

namespace fovea {

PictureSpace::PictureSpace(const Preprocessing& preprocessing) : preprocessing_(preprocessing) {
  const Preprocessor checked(preprocessing_);
  const int padding = 2 * preprocessing_.padding;
  shape_ = {preprocessing_.height - padding, preprocessing_.width - padding, preprocessing_.channels};
  for (size_t c = 0; c < preprocessing_.mean.size(); ++c) {
    border_.push_back(-preprocessing_.mean[c] / preprocessing_.std[c]);
  }
}

Image PictureSpace::fit(const Image& image) const { return this->image(pixels(image)); }

std::vector<float> PictureSpace::pixels(const Image& image) const {
  Preprocessing plain = preprocessing_;
  plain.height -= 2 * plain.padding;
  plain.width -= 2 * plain.padding;
  plain.padding = 0;
  std::ranges::fill(plain.mean, 0.0F);
  std::ranges::fill(plain.std, 1.0F);
  const Tensor values = preprocess(image, plain);
  return {values.values().begin(), values.values().end()};
}

Image PictureSpace::image(std::span<const float> pixels) const {
  Image image{static_cast<int>(shape_[0]), static_cast<int>(shape_[1]), static_cast<int>(shape_[2]), {}};
  image.pixels.reserve(pixels.size());
  for (const float sample : pixels) {
    image.pixels.push_back(static_cast<uint8_t>(std::lround(255.0F * std::clamp(sample, 0.0F, 1.0F))));
  }
  return image;
}

// visit(sample of the space, sample of the input, channel)
template <class Visit>
void PictureSpace::for_each_sample(const Visit& visit) const {
  const auto channels = static_cast<size_t>(shape_[2]);
  const auto width = static_cast<size_t>(preprocessing_.width);
  const auto padding = static_cast<size_t>(preprocessing_.padding);
  size_t at = 0;
  for (size_t row = 0; row < static_cast<size_t>(shape_[0]); ++row) {
    size_t there = ((row + padding) * width + padding) * channels;
    for (size_t column = 0; column < static_cast<size_t>(shape_[1]); ++column) {
      for (size_t c = 0; c < channels; ++c) visit(at++, there++, c);
    }
  }
}

void PictureSpace::to_input(std::span<const float> pixels, std::span<float> input) const {
  if (preprocessing_.padding > 0) {
    for (size_t i = 0; i < input.size(); ++i) input[i] = border_[i % border_.size()];
  }
  for_each_sample([&](size_t at, size_t there, size_t c) {
    input[there] = (pixels[at] - preprocessing_.mean[c]) / preprocessing_.std[c];
  });
}

void PictureSpace::to_pixels(std::span<const float> input_gradient, std::span<float> gradient) const {
  for_each_sample(
      [&](size_t at, size_t there, size_t c) { gradient[at] = input_gradient[there] / preprocessing_.std[c]; });
}

}  // namespace fovea
