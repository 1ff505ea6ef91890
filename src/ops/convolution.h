#pragma once

#include "fovea/shape.h"
#include "kernels/conv_shape.h"

namespace fovea {

// What an op that joins several convolutions asks of each.
class Convolution {
 public:
  virtual ConvShape conv_shape(const Shape& x) const = 0;
  virtual bool has_bias() const = 0;

 protected:
  ~Convolution() = default;
};

}  // namespace fovea
