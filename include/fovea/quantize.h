#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fovea/data.h"
#include "fovea/model.h"
#include "fovea/quantized_ops.h"

// Networks that compute on bytes: smaller by four, and faster where the machine multiplies bytes. Quantisation after
// training, by the choices of Jacob et al. 2018 and Krishnamoorthi 2018 (Quantizing deep convolutional networks for
// efficient inference): weights symmetric, with a scale for each filter; activations affine, with one scale for all.
namespace fovea {

// What is known of a value's elements: limits, and how many lie in each of so many equal parts between them.
struct ValueHistogram {
  float low = 0;
  float high = 0;
  std::vector<int64_t> counts{};
};

// The map to bytes that changes such elements least: of all ranges [a low, a high], 0 < a <= 1, widened to hold zero,
// that with the least mean squared error, counting elements beyond as moved to the limit and rounding as an error of
// scale^2 / 12 (the "MSE" range of Nagel et al. 2021, A White Paper on Neural Network Quantization, section 3.1). Zero
// is exact, as padding needs. A value that is always zero gets the scale 1.
Quantization choose_quantization(const ValueHistogram& histogram);

struct QuantizeOptions {
  int64_t batch = 8;  // pictures run together
};

struct QuantizedModel {
  Model model;
  int64_t layers = 0;               // convolutions and dense layers on bytes
  std::vector<std::string> kept{};  // those that stay as they are: their filters have too many weights
};

// The network with its convolutions and dense layers on bytes: batch norms behind them folded in, weights rounded to
// [-127, 127] w_k / max |w_k| for each filter k, and their inputs quantised by ranges measured on the pictures, whose
// labels play no part. Max pooling and concatenation move bytes, so what they join shares one range; a shortcut is
// added from bytes; all other ops compute on real numbers. Dropout and auxiliary outputs are left out: the network is
// for inference. Parameters keep their names, beside "*.weight_scale"; a layer has a bias even where it had none.
// Throws Error(usage) when there is nothing to quantise, no picture or a batch below 1, Error(failure) when an
// activation is not finite, and as find_classifier's rules on pictures say: Error(format) unless the network has one
// input, which its preprocessing fills.
QuantizedModel quantize_model(Model& model, std::shared_ptr<const Dataset> pictures,
                              const QuantizeOptions& options = {});

}  // namespace fovea
