#include "fovea/style.h"

#include <fmt/format.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <vector>

#include "explain/picture_input.h"
#include "explain/picture_network.h"
#include "explain/picture_terms.h"
#include "fovea/error.h"
#include "fovea/lbfgs.h"
#include "fovea/random.h"

namespace fovea {

namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using View = Eigen::Map<const Matrix>;

void check(const StyleOptions& options) {
  const auto require = [](bool sensible, const char* what) {
    if (!sensible) throw Error(ErrorKind::usage, fmt::format("style transfer: {}", what));
  };
  require(options.size >= 16 && options.size <= 4096, "the size must be 16 to 4096");
  require(options.steps >= 1, "steps must be at least 1");
  for (const double weight : {options.content_weight, options.style_weight, options.total_variation_weight}) {
    require(std::isfinite(weight) && weight >= 0, "weights must be at least 0");
  }
  require(options.content_weight + options.style_weight > 0, "a weight must be above 0");
}

// A layer's value as {positions, channels}.
View features(const PictureNetwork& network, size_t node) {
  const Shape& shape = network.shape(node);
  return {network.value(node).data(), shape.elements() / shape.back(), shape.back()};
}

Matrix gram(const View& f) { return f.transpose() * f / static_cast<float>(f.rows()); }

// For division: a layer that is zero everywhere has nothing to keep.
double size_of(const Matrix& target) { return std::max(1e-12, static_cast<double>(target.squaredNorm())); }

struct Extent {
  int height, width;
};

// Of the picture when its longer side is `size`.
Extent fitted(const Image& image, int size) {
  const double scale = static_cast<double>(size) / std::max(image.height, image.width);
  const auto side = [&](int extent) { return std::max(1, static_cast<int>(std::lround(extent * scale))); };
  return {side(image.height), side(image.width)};
}

// The losses at work: targets, and the network at the result's size.
class StyleLoss {
 public:
  StyleLoss(Model& model, const Image& content, const Image& style, const StyleOptions& options,
            const std::vector<std::string>& content_layers, const std::vector<std::string>& style_layers)
      : options_(options),
        contents_(content_layers.size()),
        network_(model, joined(content_layers, style_layers), fitted(content, options.size).height,
                 fitted(content, options.size).width) {
    for (size_t i = 0; i < content_layers.size() + style_layers.size(); ++i) {
      if (network_.shape(i).rank() == 4) continue;
      throw Error(ErrorKind::usage,
                  fmt::format("style transfer: layer '{}' has no positions", joined(content_layers, style_layers)[i]));
    }
    network_.forward(network_.space().pixels(content));
    for (size_t i = 0; i < contents_; ++i) targets_.emplace_back(features(network_, i));
    const Extent extent = fitted(style, options.size);
    PictureNetwork model_of_style(model, style_layers, extent.height, extent.width);
    model_of_style.forward(model_of_style.space().pixels(style));
    for (size_t i = 0; i < style_layers.size(); ++i) targets_.push_back(gram(features(model_of_style, i)));
  }

  const PictureSpace& space() const { return network_.space(); }

  double operator()(std::span<const float> x, std::span<float> gradient) {
    network_.forward(x);
    content_loss = style_loss = 0;
    for (size_t i = 0; i < targets_.size(); ++i) {
      const View f = features(network_, i);
      Eigen::Map<Matrix> seed(network_.seed(i).data(), f.rows(), f.cols());
      i < contents_ ? add_content(f, targets_[i], seed) : add_style(f, targets_[i], seed);
    }
    network_.backward(gradient);
    const double weight = options_.total_variation_weight / static_cast<double>(x.size());
    const double variation = weight > 0 ? weight * total_variation(space().shape(), x, weight, gradient) : 0;
    return options_.content_weight * content_loss + options_.style_weight * style_loss + variation;
  }

  double content_loss = 0, style_loss = 0;

 private:
  static std::vector<std::string> joined(std::vector<std::string> a, const std::vector<std::string>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }

  void add_content(const View& f, const Matrix& target, Eigen::Map<Matrix>& seed) {
    const double share = 1 / (size_of(target) * static_cast<double>(contents_));
    seed = f - target;
    content_loss += share * static_cast<double>(seed.squaredNorm());
    seed *= static_cast<float>(2 * share * options_.content_weight);
  }

  void add_style(const View& f, const Matrix& target, Eigen::Map<Matrix>& seed) {
    const double share = 1 / (size_of(target) * static_cast<double>(targets_.size() - contents_));
    const Matrix difference = gram(f) - target;
    style_loss += share * static_cast<double>(difference.squaredNorm());
    const double scale = 4 * share * options_.style_weight / static_cast<double>(f.rows());
    seed.noalias() = f * difference;
    seed *= static_cast<float>(scale);
  }

  const StyleOptions& options_;
  size_t contents_;
  PictureNetwork network_;
  std::vector<Matrix> targets_;  // features of the content layers, Gram matrices of the style layers
};

}  // namespace

std::vector<std::string> stage_ends(const Graph& graph) {
  constexpr size_t most = 5;
  int end = static_cast<int>(graph.nodes().size());
  while (end > 0 && graph.node(end - 1).parameters.empty()) --end;
  std::vector<std::string> names;
  Shape extent;
  for (int i = only_input(graph) + 1; i < end - 1; ++i) {
    const Node& node = graph.node(i);
    if (node.shape.rank() != 4 || node.shape[1] < 2 || node.shape[2] < 2) continue;
    const Shape here = {node.shape[1], node.shape[2]};
    const bool same = !names.empty() && here == extent;
    if (!same && names.size() == most) break;
    if (!same) names.emplace_back();
    names.back() = node.name;
    extent = here;
  }
  return names;
}

Styled transfer_style(Model& model, const Image& content, const Image& style, const StyleOptions& options) {
  check(options);
  const std::vector<std::string> ends = stage_ends(model.graph());
  if (ends.empty() && (options.content_layers.empty() || options.style_layers.empty())) {
    throw Error(ErrorKind::usage, "style transfer: the network has no layers with positions");
  }
  const auto chosen = [](const std::vector<std::string>& named, const std::vector<std::string>& preset) {
    return named.empty() ? preset : named;
  };
  StyleLoss loss(model, content, style, options,
                 chosen(options.content_layers, {ends[ends.size() < 2 ? 0 : ends.size() - 2]}),
                 chosen(options.style_layers, ends));
  std::vector<float> x = loss.space().pixels(content);
  if (options.from_noise) {
    const Random random(options.seed);
    for (size_t i = 0; i < x.size(); ++i) x[i] = random.uniform(i);
  }
  Styled result;
  std::vector<float> gradient(x.size());
  result.start_loss = loss(x, gradient);
  const LbfgsResult found =
      minimize_lbfgs(x, [&](std::span<const float> at, std::span<float> slope) { return loss(at, slope); },
                     {.iterations = options.steps, .lower = 0, .upper = 1, .on_iteration = options.on_step});
  result.loss = loss(x, gradient);
  result.content_loss = loss.content_loss;
  result.style_loss = loss.style_loss;
  result.steps = found.iterations;
  result.evaluations = found.evaluations;
  result.picture = loss.space().image(x);
  return result;
}

}  // namespace fovea
