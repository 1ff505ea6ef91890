#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <span>
#include <string>
#include <vector>

#include "fovea/extents.h"
#include "fovea/model.h"
#include "fovea/session.h"
#include "fovea/tensor.h"

// Why a network says what it says: which parts of an input raise a score and which lower it. docs/explain.md tells when
// each of these maps misleads. Inputs x are what the network takes, {1, H, W, C} (see preprocess in data.h); every
// function throws Error(usage) for an x of another shape.
namespace fovea::explain {

// The number that is to be explained.
struct Score {
  int64_t index = 0;   // the class; of another node: which element of its value, row-major, for one input
  std::string node{};  // empty: the logits
};

// A network that can be asked: scores of inputs, and gradients of scores, in batches. Keeps the sessions last used, so
// that asking the same again is quick.
class Probe {
 public:
  // The model must outlive the probe and stay where it is. Inputs are run `batch` at a time, a single one alone;
  // one by one where an imported network takes no batches.
  // Throws Error(format) unless the network has one input and gives one score per class, Error(usage) for batch < 1.
  explicit Probe(Model& model, int64_t batch = 16);

  Model& model() const { return *model_; }
  int64_t batch() const { return batch_; }
  const std::string& input() const { return input_; }
  const Shape& input_shape() const { return node_shape(input_); }  // {1, H, W, C}
  const Shape& node_shape(const std::string& node) const;          // for one input
  // The output, or what a final softmax reads.
  const std::string& logits() const { return logits_; }
  int64_t classes() const { return classes_; }

  // Writes input number `item`.
  using Write = std::function<void(int64_t item, std::span<float> input)>;

  // The logits of `count` inputs.
  void scores(int64_t count, const Write& write,
              const std::function<void(int64_t item, std::span<const float> logits)>& read);

  struct Gradient {
    float score = 0;
    std::span<const float> value;     // of the node
    std::span<const float> gradient;  // d score / d value
  };
  // The score's gradient at a node (empty: the input) for `count` inputs.
  // Throws Error(usage) for an unknown node, one that the score does not depend on, and an index out of range.
  void gradients(int64_t count, const Score& score, const std::string& node, ReluBackward rule, const Write& write,
                 const std::function<void(int64_t item, const Gradient& gradient)>& read);

  // The same for one input.
  std::vector<float> scores(const Tensor& x);
  std::vector<double> probabilities(const Tensor& x);      // softmax of the logits
  Tensor value(const Tensor& x, const std::string& node);  // as Probe::node_shape
  struct NodeGradient {
    float score = 0;
    Tensor value, gradient;  // as Probe::node_shape
  };
  NodeGradient gradient(const Tensor& x, const Score& score, const std::string& node = "",
                        ReluBackward rule = ReluBackward::gradient);

 private:
  struct Kept {
    SessionOptions options;
    Session session;
  };
  Session& session(const SessionOptions& options);

  Model* model_;
  int64_t batch_;
  std::string input_, logits_;
  int64_t classes_ = 0;
  std::list<Kept> sessions_;  // the last used first
};

// Softmax of scores.
std::vector<double> softmax(std::span<const float> scores);

// ---- One value for every number of the input: shape {H, W, C} ------------------------------------------------------

// Saliency: d score / d x (Simonyan et al. 2014).
Tensor gradient(Probe& probe, const Tensor& x, const Score& score);

// x * d score / d x (Shrikumar et al. 2016): what each number adds, if the score were linear.
Tensor gradient_times_input(Probe& probe, const Tensor& x, const Score& score);

struct SmoothGradOptions {
  int64_t samples = 32;
  double noise = 0.15;  // standard deviation, as a fraction of max(x) - min(x)
  uint64_t seed = 0;
};
// The mean of the gradient over copies of x under Gaussian noise (Smilkov et al. 2017).
// Throws Error(usage) for samples < 1 or a noise that is negative or not finite.
Tensor smooth_grad(Probe& probe, const Tensor& x, const Score& score, const SmoothGradOptions& options = {});

struct IntegratedGradientsOptions {
  Tensor baseline{};         // shaped as x; empty: zeros, which is the mean colour where pictures are normalised
  double tolerance = 0.01;   // of completeness: stop when |gap| <= tolerance * |score(x) - score(baseline)|
  int64_t max_steps = 1024;  // stop here in any case
};
struct IntegratedGradients {
  Tensor attribution;     // {H, W, C}
  double difference = 0;  // score(x) - score(baseline)
  double gap = 0;         // sum of the attribution - difference
  int64_t steps = 0;      // of the trapezoid rule, at first 16 and then doubled
};
// (x - baseline) * the mean of the gradient along the straight line from the baseline to x (Sundararajan et al. 2017).
// The attribution sums up to the difference of the scores (completeness).
// Throws Error(usage) for a baseline of another shape, tolerance <= 0 or max_steps < 1.
IntegratedGradients integrated_gradients(Probe& probe, const Tensor& x, const Score& score,
                                         const IntegratedGradientsOptions& options = {});

// The gradient with ReluBackward::guided or ::deconvnet; for the latter max pooling passes signals back to where the
// maximum was (unpooling with switches) and convolutions by their transposes, as gradients do anyway.
// Throw Error(usage) when the score depends on the input through no ReLU.
Tensor guided_backprop(Probe& probe, const Tensor& x, const Score& score);
Tensor deconvnet(Probe& probe, const Tensor& x, const Score& score);

// {H, W, C} -> {H, W}: the greatest magnitude, or the sum, over the channels.
Tensor magnitude(const Tensor& attribution);
Tensor sum_of_channels(const Tensor& attribution);

// ---- One value for every position of a layer: shape {h, w} ---------------------------------------------------------

// The node whose value class activation maps weigh when none is named: the last one with more than one position that
// convolutions or dense layers still read (ResNet's layer4, SqueezeNet's features).
// Throws Error(usage) when there is none, as in a network of dense layers alone.
std::string last_feature_map(const Probe& probe);

// In the following A_k is channel k of the layer's value (empty: last_feature_map) and y the score. All throw
// Error(usage) when the layer has no positions {h, w}, or the score does not depend on it.

// ReLU(sum_k w_k A_k), w_k the mean over positions of dy / dA_k (Selvaraju et al. 2017).
Tensor grad_cam(Probe& probe, const Tensor& x, const Score& score, const std::string& layer = "");

// The same with w_k = sum over positions of alpha * ReLU(g), g = dy / dA_k, alpha = g^2 / (2 g^2 + g^3 sum A_k), 0
// where the denominator is 0 (Chattopadhay et al. 2018, with exp(y) as the score: then all its derivatives are powers
// of g; the common factor exp(y) is left out).
Tensor grad_cam_plus_plus(Probe& probe, const Tensor& x, const Score& score, const std::string& layer = "");

// ReLU(sum_k w_k A_k), w the softmax over channels of the score of x multiplied by A_k enlarged to the input's size and
// scaled to [0, 1] (Wang et al. 2020). Needs one forward pass per channel, no gradients. Channels of equal values
// everywhere get no weight.
Tensor score_cam(Probe& probe, const Tensor& x, const Score& score, const std::string& layer = "");

// guided_backprop times grad_cam enlarged to the input's size: {H, W, C} (Selvaraju et al. 2017).
Tensor guided_grad_cam(Probe& probe, const Tensor& x, const Score& score, const std::string& layer = "");

// ---- One value for every place of a patch: shape {rows, columns} ---------------------------------------------------

struct OcclusionOptions {
  Extents patch = 32;         // height, width
  Extents stride = 16;        // from one place to the next
  std::vector<float> fill{};  // one number per channel, in the network's units; empty: zeros
};
// probability of the class for x - its probability with a patch at (row * stride, column * stride) covered: positive
// where the class needs what is there (Zeiler and Fergus 2014). Patches lie inside: there are
// (H - patch) / stride + 1 rows. Throws Error(usage) for inputs that are no pictures, a score that is no logit, and
// patches, strides or a fill that do not fit.
Tensor occlusion(Probe& probe, const Tensor& x, const Score& score, const OcclusionOptions& options = {});

// An occlusion map on the input's grid: each pixel the mean of the patches that cover it, 0 where none does.
Tensor spread_occlusion(const Tensor& map, const OcclusionOptions& options, int64_t height, int64_t width);

}  // namespace fovea::explain
