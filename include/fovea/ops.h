#pragma once

#include <cstdint>

#include "fovea/extents.h"
#include "fovea/graph.h"
#include "fovea/shape_ops.h"

// Builders: plain functions from Value to Value. The form with a Scope names the node and its parameters;
// the form without takes the op's name ("relu", "relu_2", ...) beside its input's.
// Shapes are channels last. Every builder throws Error(format), naming the node, when shapes do not fit.
namespace fovea {

// Convolution, that is cross-correlation (Goodfellow et al. 2016, Deep Learning, eq. 9.6), of sequences {N,L,C},
// pictures {N,H,W,C} or volumes {N,D,H,W,C}; for pictures
//   y[n,i,j,k] = b[k] + sum over a, b, c of w[k,c,a,b] * x[n, i*stride + a*dilation - top, j*stride + b*dilation -
//   left, c]
// x {N,H,W,C} -> y {N,H',W',filters}, H' = floor((H + top + bottom - dilation*(kernel-1) - 1) / stride) + 1.
// groups > 1: filters and channels fall into that many blocks, each block of filters sees its block of channels;
// groups = C is depthwise.
// Parameters: weight {filters, C/groups, kernel...}, bias {filters}.
struct ConvOptions {
  int64_t filters = 0;
  Extents kernel = 1;
  Extents stride = 1;
  Padding padding = 0;
  Extents dilation = 1;
  int64_t groups = 1;
  bool bias = true;
};
Value conv(const Scope& scope, Value x, const ConvOptions& options);

// Depthwise-separable convolution (Sifre 2014; Chollet 2017): every channel by its own filter, then a 1x1 convolution
// over all channels. Kernel, stride, padding and dilation are those of the first, filters and bias those of the second;
// groups must be 1.
// Parameters: depthwise.weight {C, 1, kernel...}, pointwise.weight {filters, C, 1...}, pointwise.bias {filters}.
Value separable_conv(const Scope& scope, Value x, const ConvOptions& options);

// Transposed convolution, also called deconvolution or fractionally strided convolution (Dumoulin & Visin 2016): the
// input's gradient of the convolution with these options; of pictures (sequences and volumes likewise)
//   y[n,r,s,k] = b[k] + sum over i, j, a, b, c of w[c,k,a,b] * x[n,i,j,c],
//   over all i, a with i*stride + a*dilation - top = r and all j, b with j*stride + b*dilation - left = s.
// x {N,H,W,C} -> y {N,H',W',filters}, H' = (H - 1)*stride - top - bottom + dilation*(kernel-1) + output_padding + 1.
// Padding may not be `same`. output_padding adds rows and columns at the end, for the extents that a strided
// convolution rounds away; it must be less than the stride or the dilation. Parameters: weight {C, filters/groups,
// kernel...}, bias {filters}.
struct ConvTransposeOptions {
  int64_t filters = 0;
  Extents kernel = 1;
  Extents stride = 1;
  Padding padding = 0;
  Extents output_padding = 0;
  Extents dilation = 1;
  int64_t groups = 1;
  bool bias = true;
};
Value conv_transpose(const Scope& scope, Value x, const ConvTransposeOptions& options);

// Maximum, or average, of each window; {N,H,W,C} -> {N,H',W',C}, likewise of sequences {N,L,C} and volumes {N,D,H,W,C}.
// ceil_mode rounds the output extent up instead of down (a last window that would start in the padding is dropped,
// as in PyTorch). The maximum ignores padding. The average divides by the window's elements including padding when
// count_include_pad, else by those inside the picture.
struct PoolOptions {
  Extents kernel = 2;
  Extents stride = 0;  // 0: the kernel's extent
  Padding padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;  // average only
};
Value max_pool(Value x, const PoolOptions& options);
Value avg_pool(Value x, const PoolOptions& options);
Value max_pool(const Scope& scope, Value x, const PoolOptions& options);
Value avg_pool(const Scope& scope, Value x, const PoolOptions& options);

// Average (maximum) over all positions: {N,H,W,C} -> {N,1,1,C}, likewise {N,L,C} -> {N,1,C} and volumes.
Value global_avg_pool(Value x);
Value global_max_pool(Value x);

// Average of windows that share the picture out, whatever its extent: {N,H,W,C} -> {N,H',W',C} for `output` {H',W'},
// likewise of sequences and volumes. Output row i averages rows [floor(i H / H'), ceil((i + 1) H / H')), columns
// likewise, as in PyTorch. A picture that has that extent already is returned as it is.
Value adaptive_avg_pool(const Scope& scope, Value x, const Extents& output);

// Fully connected: y[n,k] = b[k] + sum over c of w[k,c] * x[n,c]; {N,C} -> {N,units}. With more axes between, the same
// for every position: {N,H,W,C} -> {N,H,W,units}.
// Parameters: weight {units, C}, bias {units}.
Value dense(const Scope& scope, Value x, int64_t units, bool bias = true);

// {N,H,W,C} -> {N,C*H*W}, in PyTorch's order: element c*H*W + h*W + w, so that dense weights move both ways. Likewise
// of sequences and volumes.
Value flatten(Value x);

// Pointwise. Alpha is the slope (leaky ReLU) or the limit (ELU) on the negative side.
Value relu(Value x);                             // max(0, x)
Value leaky_relu(Value x, double alpha = 0.01);  // x > 0 ? x : alpha x
Value elu(Value x, double alpha = 1.0);          // x > 0 ? x : alpha (e^x - 1), Clevert et al. 2016
Value sigmoid(Value x);                          // 1 / (1 + e^-x)
Value tanh(Value x);
Value relu6(Value x);         // min(max(0, x), 6), Sandler et al. 2018
Value hard_sigmoid(Value x);  // min(max(0, x + 3), 6) / 6, Howard et al. 2019
Value hard_swish(Value x);    // x hard_sigmoid(x), Howard et al. 2019
Value silu(Value x);          // x sigmoid(x), Elfwing et al. 2018; swish
Value gelu(Value x);          // x Phi(x) = x (1 + erf(x / sqrt 2)) / 2, exactly; Hendrycks & Gimpel 2016
Value softplus(Value x);      // ln(1 + e^x), Dugas et al. 2001
Value selu(Value x);          // 1.0507 elu(x, 1.6733), Klambauer et al. 2017
Value mish(Value x);          // x tanh(softplus(x)), Misra 2019

Value exp(Value x);
Value log(Value x);  // natural; NaN below zero
Value sqrt(Value x);
Value abs(Value x);  // slope 0 at 0
Value negate(Value x);
Value power(Value x, double exponent);         // x^exponent; NaN below zero unless the exponent is whole
Value clip(Value x, double low, double high);  // min(max(x, low), high), slope 1 at the limits; low <= high
Value smooth_abs(Value x, double beta = 1.0);  // |x| - beta/2, but x^2 / (2 beta) where |x| < beta; beta > 0

// x > 0 ? x : weight x with a learned slope (He et al. 2015), one of each channel (the last axis) or `shared` by all.
// Parameter: weight {C} or {1}.
struct PreluOptions {
  bool shared = false;
  double initial = 0.25;
};
Value prelu(const Scope& scope, Value x, const PreluOptions& options = {});

// The largest of `pieces` linear pieces (Goodfellow et al. 2013): channels {.., C} -> {.., C / pieces}, where channel c
// is the maximum of channels c, c + C/pieces, c + 2 C/pieces ... Follows a convolution or dense layer of C outputs.
Value maxout(Value x, int64_t pieces);

// Over the last axis: softmax_k = e^x_k / sum_j e^x_j, computed after subtracting the maximum.
Value softmax(Value x);
Value log_softmax(Value x);

// Batch normalisation (Ioffe & Szegedy 2015), per channel (the last axis) over all other axes:
//   y = weight * (x - mean) / sqrt(variance + epsilon) + bias
// Training uses the batch's mean and biased variance, and moves the running ones:
//   running = (1 - momentum) * running + momentum * batch (variance unbiased there), as PyTorch does.
// Inference uses the running ones. Parameters: weight (1), bias (0); running_mean (0), running_var (1), not trained.
struct BatchNormOptions {
  double epsilon = 1e-5;
  double momentum = 0.1;
};
Value batch_norm(const Scope& scope, Value x, const BatchNormOptions& options = {});

// Layer normalisation (Ba et al. 2016) of each position's channels (the last axis):
//   y = weight * (x - mean) / sqrt(variance + epsilon) + bias, variance biased
// Parameters: weight {C} (1), bias {C} (0).
Value layer_norm(const Scope& scope, Value x, double epsilon = 1e-5);

// Group normalisation (Wu & He 2018): per sample, over all positions and the channels of each of `groups` blocks of
// neighbouring channels: y = weight * (x - mean) / sqrt(variance + epsilon) + bias, variance biased.
// Parameters, if affine: weight {C} (1), bias {C} (0). groups must divide the channels.
struct GroupNormOptions {
  int64_t groups = 32;
  double epsilon = 1e-5;
  bool affine = true;
};
Value group_norm(const Scope& scope, Value x, const GroupNormOptions& options = {});
// The same for each channel alone (Ulyanov et al. 2016), in PyTorch without parameters unless asked for.
Value instance_norm(const Scope& scope, Value x, double epsilon = 1e-5, bool affine = false);

// Local response normalisation (Krizhevsky et al. 2012, section 3.3) across channels:
//   y[c] = x[c] / (k + alpha/size * sum of x[j]^2)^beta, over channels c - size/2 <= j <= c + (size - 1)/2
// (whole divisions), as torch.nn.LocalResponseNorm has it. The paper does not divide alpha by the size: its
// alpha 1e-4, size 5, beta 0.75, k 2 are alpha 5e-4 here.
struct LocalResponseNormOptions {
  int64_t size = 5;
  double alpha = 1e-4;
  double beta = 0.75;
  double k = 1;  // positive
};
Value local_response_norm(Value x, const LocalResponseNormOptions& options = {});

// y = weight[c] x: a learned scale of each channel (the last axis), such as the layer scale of Touvron et al. 2021.
// Its one parameter has the node's own name and starts at `initial`; its shape is {C}, or {C,1,1} for pictures, so that
// it broadcasts in PyTorch.
Value scale(const Scope& scope, Value x, double initial = 1.0);

// Inverted dropout (Srivastava et al. 2014): in training each element is zero with probability `rate`, the others are
// scaled by 1/(1-rate); the identity in inference. 0 <= rate < 1. Element i of the batch, channels last, is dropped
// when bits(i) < rate * 2^32 (rounded down), bits being those of the session's random numbers for this node and step.
Value dropout(Value x, double rate = 0.5);

// Dropout of whole channels (Tompson et al. 2015, "spatial dropout"; torch's Dropout2d): in training each channel of
// each sample is zero with probability `rate`, the others are scaled by 1/(1-rate); the identity in inference. Draws as
// dropout does, with n C + c for the element's number.
Value spatial_dropout(Value x, double rate = 0.5);

// Stochastic depth (Huang et al. 2016), for the branch of a residual block: in training each sample of the batch is
// zero with probability `rate`, the others are scaled by 1/(1-rate); the identity in inference. 0 <= rate < 1. Draws as
// dropout does, with the sample's number for the element's.
Value stochastic_depth(Value x, double rate);

// Elementwise, with NumPy's broadcasting of extents 1 (ranks must be equal). Where a minimum's (maximum's) inputs are
// equal each has half of the gradient, as in PyTorch.
Value add(Value a, Value b);
Value subtract(Value a, Value b);
Value multiply(Value a, Value b);
Value divide(Value a, Value b);
Value minimum(Value a, Value b);
Value maximum(Value a, Value b);
inline Value operator+(Value a, Value b) { return add(a, b); }
inline Value operator-(Value a, Value b) { return subtract(a, b); }
inline Value operator*(Value a, Value b) { return multiply(a, b); }
inline Value operator/(Value a, Value b) { return divide(a, b); }

// Joins along the last axis (channels); all other extents must agree.
Value concatenate(const std::vector<Value>& values);

// Losses, averaged over the batch: the result has shape {1}.
// Cross-entropy of logits {N,K} against classes {N} given as whole numbers 0..K-1: mean of -log_softmax(logits)[class].
// With label smoothing (Szegedy et al. 2016, section 7), as PyTorch has it, the target of the class is
// 1 - smoothing + smoothing/K, that of the others smoothing/K. 0 <= label_smoothing <= 1.
Value cross_entropy(Value logits, Value classes, double label_smoothing = 0);
// The same against targets {N,K}: mean over the batch of the sum of -log_softmax(logits)[k] targets[k]. No gradient
// flows into the targets.
Value soft_cross_entropy(Value logits, Value targets);
// Multi-class hinge loss (Weston & Watkins 1999) with margin 1: mean over the batch of the sum over k != class of
// max(0, scores[k] - scores[class] + 1); K times torch's multi_margin_loss.
Value hinge(Value scores, Value classes);
// Mean over all elements of (prediction - target)^2.
Value mse(Value prediction, Value target);
// Mean over all elements of |prediction - target|, and of smooth_abs(prediction - target, beta).
Value l1_loss(Value prediction, Value target);
Value smooth_l1_loss(Value prediction, Value target, double beta = 1.0);
// weights[0] values[0] + weights[1] values[1] + ..., values of one shape: joins the losses of several outputs.
Value weighted_sum(const std::vector<Value>& values, const std::vector<double>& weights);

}  // namespace fovea
