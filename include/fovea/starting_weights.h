#pragma once

#include <cstdint>
#include <string_view>

#include "fovea/data.h"
#include "fovea/model.h"

// Weights that know more than random ones, to begin a training with.
namespace fovea {

// Convolutions begin as the identity as far as their filters go (Zagoruyko & Komodakis 2017, "DiracNets"): filter c of
// a convolution {F, C, h, w} passes channel c on, for c < min(F, C); the other filters are left as they are.
// Convolutions of pictures with odd windows and without groups alone; others are not touched.
void pass_channels_on(Model& model);

struct WhitenOptions {
  int64_t pictures = 5000;  // evenly spaced over the data set
  double epsilon = 5e-4;    // added to the variances, so that directions without any do not become noise
};

// Fills a convolution {F, C, h, w} on the network's pictures so that its outputs are the whitened patches (Jordan 2024,
// arXiv:2404.00498; Page 2019): with D = C h w and the eigenvectors v_k of the patches' second moments E[p p'], of
// eigenvalues e_k ascending, filter k is v_k / sqrt(e_k + epsilon), filter D + k its negative, and what lies beyond 2 D
// is left as it is. The bias becomes zero. Patches are those of stride 1 of preprocessed pictures.
// Throws Error(usage) unless the named node is a convolution that reads the network's pictures, without groups or
// dilation and with D filters at least; Error(data) when pictures cannot be read.
void whiten(Model& model, std::string_view convolution, const Dataset& dataset, const WhitenOptions& options = {});

}  // namespace fovea
