#pragma once

#include "fovea/explain.h"

namespace fovea::explain {

// Layer-wise relevance propagation (Bach et al. 2015, the alpha-beta rule with alpha 1, beta 0): the score is shared
// out backward, node by node, and none of it is made or lost on the way, so that the map {H, W, C} sums up to the
// score.
//   convolution, dense, average, sum   y_j = sum_i z_ij + b_j: input i gets R_j z_ij / sum of z_j, where only those
//                                      contributions z_ij count that have the sign of y_j; biases get nothing
//   maximum, flatten, concatenate ...  the relevance goes where the value came from
//   activation, normalisation          passes it on as it is; a contribution before a normalisation counts by the sign
//                                      that its scale gives it
//   product (a gate)                   goes to the larger input
// What a node owes to its bias or to constants alone, where no contribution has the right sign, is lost.
// Throws Error(usage) naming a node of another kind that the score depends on.
Tensor relevance(Probe& probe, const Tensor& x, const Score& score);

}  // namespace fovea::explain
