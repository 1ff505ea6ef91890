#pragma once

#include <vector>

#include "fovea/tensor_file.h"

namespace fovea {

// The tensors of an HDF5 file that Keras wrote, of a whole model or of weights alone, under the names that PyTorch
// gives and in its order, as views of the same bytes:
//   LAYER/kernel           {H, W, C, F} or {C, F}  ->  LAYER.weight {F, C, H, W} or {F, C}
//   LAYER/depthwise_kernel {H, W, C, M}            ->  LAYER.weight {C M, 1, H, W}
//   both of these of a separable layer, whose second is pointwise_kernel: LAYER.depthwise.weight,
//   LAYER.pointwise.weight LAYER/gamma, beta, moving_mean, moving_variance ->  LAYER.weight, bias, running_mean,
//   running_var
// LAYER is the layer's name in Keras. Optimizer states and what is not a layer's are left out.
std::vector<StoredTensor> keras_weights(const std::vector<StoredTensor>& tensors);

}  // namespace fovea
