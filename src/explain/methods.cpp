// Every method by its name, drawn.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/suggest.h"
#include "explain/attribution.h"
#include "fovea/colour_map.h"
#include "fovea/error.h"
#include "fovea/explanation.h"
#include "fovea/filter.h"
#include "fovea/relevance.h"

namespace fovea::explain {

namespace {

// The magnitude that gets the strongest colour: all but a few are below.
float strongest_shown(const Tensor& values) {
  const float most = magnitude_quantile(values, 0.005);
  return most > 0 ? most : symmetric_range(values).high;
}

Explanation strength(Tensor raw) {
  Tensor map = magnitude(raw);
  const ValueRange range{0, strongest_shown(map)};
  Image picture = colour(map, ColourMap::magma, range);
  return {std::move(raw), std::move(map), std::move(picture)};
}

Explanation signed_sum(Tensor raw) {
  Tensor map = sum_of_channels(raw);
  const float most = strongest_shown(map);
  Image picture = colour(map, ColourMap::red_blue, {-most, most});
  return {std::move(raw), std::move(map), std::move(picture)};
}

Explanation as_picture(Tensor raw) {
  Tensor map = magnitude(raw);
  Image picture = relief(raw);
  return {std::move(raw), std::move(map), std::move(picture)};
}

Explanation positions(const Probe& probe, Tensor raw) {
  const Shape& input = probe.input_shape();
  Tensor map = enlarge(raw, input[1], input[2]);
  const float most = value_range(map).high;
  Image picture = colour(map, ColourMap::viridis, {0, most});
  return {std::move(raw), std::move(map), std::move(picture), most > 0 ? "" : "zero everywhere"};
}

Explanation integrated(Probe& probe, const Tensor& x, const Score& score) {
  IntegratedGradients result = integrated_gradients(probe, x, score);
  Explanation explanation = signed_sum(std::move(result.attribution));
  explanation.note = fmt::format("sums up to {:.4g} where the score differs by {:.4g}; {} steps",
                                 result.difference + result.gap, result.difference, result.steps);
  return explanation;
}

Explanation shared_out(Probe& probe, const Tensor& x, const Score& score) {
  Explanation explanation = signed_sum(relevance(probe, x, score));
  const auto sum = std::accumulate(explanation.raw.values().begin(), explanation.raw.values().end(), 0.0);
  const Tensor scores = probe.value(x, score.node.empty() ? probe.logits() : score.node);
  explanation.note = fmt::format("sums up to {:.4g} where the score is {:.4g}", sum, scores[score.index]);
  return explanation;
}

Explanation covered(Probe& probe, const Tensor& x, const Score& score, const OcclusionOptions& options) {
  Tensor raw = occlusion(probe, x, score, options);
  Tensor map = spread_occlusion(raw, options, x.shape()[1], x.shape()[2]);
  Image picture = colour(map, ColourMap::red_blue);
  std::string note = fmt::format("probability falls by up to {:.3f}", value_range(raw).high);
  return {std::move(raw), std::move(map), std::move(picture), std::move(note)};
}

using Options = MethodOptions;

std::vector<Method> list_methods() {
  return {
      {"gradient", "Saliency (gradient)", "how much the score changes with each pixel",
       [](Probe& p, const Tensor& x, const Score& s, const Options&) { return strength(gradient(p, x, s)); }},
      {"gradient-x-input", "Gradient × input", "what each pixel adds, were the score linear",
       [](Probe& p, const Tensor& x, const Score& s, const Options&) {
         return signed_sum(gradient_times_input(p, x, s));
       }},
      {"smooth-grad", "SmoothGrad", "the gradient averaged over noisy copies",
       [](Probe& p, const Tensor& x, const Score& s, const Options& o) {
         return strength(smooth_grad(p, x, s, o.smooth_grad));
       }},
      {"integrated-gradients", "Integrated gradients", "what each pixel adds on the way from the mean colour",
       [](Probe& p, const Tensor& x, const Score& s, const Options&) { return integrated(p, x, s); }},
      {"lrp", "Layer-wise relevance", "the score shared out backward, layer by layer",
       [](Probe& p, const Tensor& x, const Score& s, const Options&) { return shared_out(p, x, s); }},
      {"guided-backprop", "Guided backpropagation", "gradients that stay positive through every ReLU",
       [](Probe& p, const Tensor& x, const Score& s, const Options&) { return as_picture(guided_backprop(p, x, s)); }},
      {"deconvnet", "Deconvnet", "the score projected back, kept positive at every ReLU",
       [](Probe& p, const Tensor& x, const Score& s, const Options&) { return as_picture(deconvnet(p, x, s)); }},
      {"grad-cam", "Grad-CAM", "a layer's channels weighed by their mean gradient",
       [](Probe& p, const Tensor& x, const Score& s, const Options& o) {
         return positions(p, grad_cam(p, x, s, o.layer));
       }},
      {"grad-cam++", "Grad-CAM++", "the same, weighed so that several objects count alike",
       [](Probe& p, const Tensor& x, const Score& s, const Options& o) {
         return positions(p, grad_cam_plus_plus(p, x, s, o.layer));
       }},
      {"guided-grad-cam", "Guided Grad-CAM", "guided backpropagation where Grad-CAM is bright",
       [](Probe& p, const Tensor& x, const Score& s, const Options& o) {
         return as_picture(guided_grad_cam(p, x, s, o.layer));
       }},
      {"score-cam", "Score-CAM", "channels weighed by the score of what they leave visible",
       [](Probe& p, const Tensor& x, const Score& s, const Options& o) {
         return positions(p, score_cam(p, x, s, o.layer));
       }},
      {"occlusion", "Occlusion", "how far the probability falls when a patch is covered",
       [](Probe& p, const Tensor& x, const Score& s, const Options& o) { return covered(p, x, s, o.occlusion); }},
  };
}

}  // namespace

const std::vector<Method>& methods() {
  static const std::vector<Method> list = list_methods();
  return list;
}

const Method& find_method(std::string_view name) {
  std::vector<std::string> names;
  for (const Method& method : methods()) {
    if (method.name == name) return method;
    names.emplace_back(method.name);
  }
  throw Error(ErrorKind::usage, fmt::format("unknown method '{}'{}; there are {}", name, did_you_mean(name, names),
                                            fmt::join(names, ", ")));
}

Image input_picture(const Tensor& x, const Preprocessing& preprocessing) {
  const Shape& shape = x.shape();
  const int64_t channels = shape.rank() > 0 ? shape.back() : 0;
  if (shape.rank() != 4 || std::ssize(preprocessing.mean) != channels || std::ssize(preprocessing.std) != channels) {
    throw Error(ErrorKind::usage, fmt::format("no picture can be made of {} by a preprocessing of {} channels",
                                              to_string(shape), preprocessing.mean.size()));
  }
  Tensor pixels = x.reshaped(shape.without_batch());
  for (int64_t i = 0; i < pixels.size(); ++i) {
    const auto c = static_cast<size_t>(i % channels);
    pixels[i] = 255 * (pixels[i] * preprocessing.std[c] + preprocessing.mean[c]);
  }
  return to_image(pixels);
}

Image relief(const Tensor& raw) {
  const Shape& shape = raw.shape();
  if (shape.rank() != 3) {
    throw Error(ErrorKind::usage,
                fmt::format("a relief is made from height x width x channels, got {}", to_string(shape)));
  }
  if (shape[2] != 1 && shape[2] != 3) return colour(sum_of_channels(raw), ColourMap::red_blue);
  const float most = strongest_shown(raw);
  Tensor scaled = raw;
  for (float& value : scaled.values()) value = most > 0 ? 127.5F + 127.5F * value / most : 127.5F;
  return to_image(scaled);
}

float magnitude_quantile(const Tensor& values, double fraction) {
  std::vector<float> magnitudes;
  for (const float value : values.values()) magnitudes.push_back(std::isfinite(value) ? std::abs(value) : 0);
  if (magnitudes.empty()) return 0;
  const auto place = static_cast<ptrdiff_t>((1 - fraction) * static_cast<double>(magnitudes.size() - 1));
  std::ranges::nth_element(magnitudes, magnitudes.begin() + place);
  return magnitudes[static_cast<size_t>(place)];
}

}  // namespace fovea::explain
