#pragma once

#include <span>
#include <vector>

#include "fovea/image.h"
#include "fovea/preprocessing.h"
#include "fovea/shape.h"

namespace fovea {

// The pictures that a network takes, as a space to search in: {height, width, channels} samples in [0, 1], those that
// the preprocessing surrounds with padding and normalises.
class PictureSpace {
 public:
  // Throws Error(usage) as Preprocessor does.
  explicit PictureSpace(const Preprocessing& preprocessing);

  const Shape& shape() const { return shape_; }
  const Preprocessing& preprocessing() const { return preprocessing_; }

  // The picture at the space's size: what the network gets of it, before padding and normalising.
  Image fit(const Image& image) const;
  std::vector<float> pixels(const Image& image) const;
  // Samples beyond [0, 1] are cut, others rounded to 8 bits.
  Image image(std::span<const float> pixels) const;

  // Pixels to the network's input {H, W, C}, with the padding.
  void to_input(std::span<const float> pixels, std::span<float> input) const;
  // Gradient by the input to gradient by the pixels.
  void to_pixels(std::span<const float> input_gradient, std::span<float> gradient) const;

 private:
  template <class Visit>
  void for_each_sample(const Visit& visit) const;

  Preprocessing preprocessing_;
  Shape shape_;
  std::vector<float> border_;  // per channel: what the network gets for black
};

}  // namespace fovea
