#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "fovea/explain.h"

// Whether a map can be believed: does it depend on what the network has learnt, and does it point at what the network
// needs?
namespace fovea::explain {

// What makes a map {H, W} of an input.
using Mapper = std::function<Tensor(Probe&, const Tensor& x, const Score&)>;

struct Randomised {
  std::string layer;       // the last one whose weights were drawn anew; all behind it were, too
  double correlation = 0;  // Spearman's, of the magnitudes of the map with those of the trained network's map
};
// The cascading randomisation of Adebayo et al. (2018, "Sanity checks for saliency maps"): the weights of the layers
// are drawn anew from the logits down to the input, in `stages` steps of about equally many layers, and the map is made
// again each time. A map that stays as it was (correlation near 1) shows the picture, not the network.
// Works on a copy of the model. Throws Error(usage) for stages < 1 or a network without weights.
std::vector<Randomised> randomise_weights(const Probe& probe, const Tensor& x, const Score& score, const Mapper& mapper,
                                          int stages = 4, uint64_t seed = 0);

// Spearman's rank correlation; ties share their mean rank; 0 where one side is the same everywhere.
// Throws Error(usage) when the sizes differ.
double rank_correlation(const Tensor& a, const Tensor& b);

struct Curve {
  std::vector<double> probabilities;  // of the class with a fraction i / steps of the pixels changed, i = 0 ... steps
  double area = 0;                    // under the curve, by the trapezoid rule, over fractions 0 to 1
};
// The pixels are taken away (set to zero, the mean colour) or put in (over a blurred copy of x), those with the highest
// values in `map` first, and the probability of the class is recorded (Petsiuk et al. 2018, RISE). A good map has a
// small area under deletion and a large one under insertion. Pixels of equal value go in the order of rows. Throw
// Error(usage) for a map that is not {H, W} of the input, a score that is no logit, or steps < 1.
Curve deletion(Probe& probe, const Tensor& x, const Score& score, const Tensor& map, int64_t steps = 64);
Curve insertion(Probe& probe, const Tensor& x, const Score& score, const Tensor& map, int64_t steps = 64);

}  // namespace fovea::explain
