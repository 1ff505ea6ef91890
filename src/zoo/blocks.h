#pragma once

#include "fovea/ops.h"

// Blocks that several families share.
namespace fovea::zoo {

// Convolution without bias and batch normalisation, under torchvision's two ways of naming them.
inline Value conv_norm(const Scope& conv_scope, const Scope& norm_scope, Value x, ConvOptions options,
                       const BatchNormOptions& norm = {}) {
  options.bias = false;
  return batch_norm(norm_scope, conv(conv_scope, x, options), norm);
}

}  // namespace fovea::zoo
