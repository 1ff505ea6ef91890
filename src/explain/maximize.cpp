#include "fovea/maximize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "explain/picture_network.h"
#include "explain/picture_terms.h"
#include "fovea/error.h"
#include "fovea/random.h"

namespace fovea {

namespace {

std::string node_of(const Model& model, const Target& target) {
  if (target.node.empty()) return logits_name(model);
  model.graph().find(target.node);
  return target.node;
}

void check(const char* what, bool sensible) {
  if (!sensible) throw Error(ErrorKind::usage, fmt::format("exciting a network: {}", what));
}

// The target's value and its gradient by the node's elements.
class Aim {
 public:
  Aim(PictureNetwork& network, const Target& target, const std::string& node) : network_(network), target_(target) {
    const Shape& shape = network.shape(0);
    const auto refuse = [&](const char* what, int64_t got) {
      throw Error(ErrorKind::usage, fmt::format("'{}' is {}: it has no {} {}", node, to_string(shape), what, got));
    };
    if (target.channel && (*target.channel < 0 || *target.channel >= shape.back())) refuse("channel", *target.channel);
    if (!target.position) return;
    if (shape.rank() != 4) throw Error(ErrorKind::usage, fmt::format("'{}' has no positions", node));
    const auto [row, column] = *target.position;
    if (row < 0 || row >= shape[1]) refuse("row", row);
    if (column < 0 || column >= shape[2]) refuse("column", column);
  }

  // Of the picture; the gradient by its pixels, too, unless that is empty.
  double operator()(std::span<const float> pixels, std::span<float> gradient) {
    network_.forward(pixels);
    const std::span<const float> value = network_.value(0);
    const std::span<float> seed = network_.seed(0);
    const Shape& shape = network_.shape(0);
    const int64_t channels = shape.back();
    const int64_t positions = shape.elements() / channels;
    const int64_t only = target_.position ? (*target_.position)[0] * shape[2] + (*target_.position)[1] : -1;
    const double share =
        1.0 / static_cast<double>((target_.position ? 1 : positions) * (target_.channel ? 1 : channels));
    double sum = 0;
    for (int64_t i = 0; i < shape.elements(); ++i) {
      const bool wanted = (only < 0 || i / channels == only) && (!target_.channel || i % channels == *target_.channel);
      const auto at = static_cast<size_t>(i);
      const double x = value[at];
      seed[at] = wanted ? static_cast<float>(share * (target_.channel ? 1 : 2 * x)) : 0;
      if (wanted) sum += share * (target_.channel ? x : x * x);
    }
    if (!std::isfinite(sum)) throw Error(ErrorKind::failure, "the network gives a NaN or an infinity");
    if (!gradient.empty()) network_.backward(gradient);
    return sum;
  }

 private:
  PictureNetwork& network_;
  const Target& target_;
};

// Gradients at a picture that is moved a little, moved back.
void jittered_gradient(Aim& aim, const Shape& shape, std::span<const float> pixels, int jitter, const Random& random,
                       std::span<float> gradient) {
  const uint64_t range = 2 * static_cast<uint64_t>(jitter) + 1;
  const int64_t down = static_cast<int64_t>(random.below(0, range)) - jitter;
  const int64_t right = static_cast<int64_t>(random.below(1, range)) - jitter;
  aim(rolled(shape, pixels, down, right), gradient);
  const std::vector<float> back = rolled(shape, gradient, -down, -right);
  std::ranges::copy(back, gradient.begin());
}

// Divides by the root of the mean square. Zeros, of a picture that no ReLU lets through, become noise: a step anywhere.
void normalize(std::span<float> values, const Random& random) {
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * value;
  if (squares == 0) {
    for (size_t i = 0; i < values.size(); ++i) values[i] = random.normal(i);
    return;
  }
  const auto scale = static_cast<float>(std::sqrt(static_cast<double>(values.size()) / squares));
  for (float& value : values) value *= scale;
}

void step_up(std::span<float> pixels, std::span<const float> direction, double rate) {
  for (size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = std::clamp(pixels[i] + static_cast<float>(rate) * direction[i], 0.0F, 1.0F);
  }
}

PictureNetwork network_for(Model& model, const std::string& node, int height, int width) {
  if (height == 0 && width == 0) return {model, {node}};
  return {model, {node}, height, width};
}

}  // namespace

Maximized maximize(Model& model, const Target& target, const MaximizeOptions& options) {
  check("a size must be given by both sides, 1 to 4096", (options.height == 0) == (options.width == 0) &&
                                                             options.height >= 0 && options.height <= 4096 &&
                                                             options.width >= 0 && options.width <= 4096);
  check("steps must be at least 1", options.steps >= 1);
  check("the rate must be above 0, at most 1", options.rate > 0 && options.rate <= 1);
  check("l2, total variation and frequency must be 0 to 10",
        options.l2 >= 0 && options.l2 <= 10 && options.total_variation >= 0 && options.total_variation <= 10 &&
            options.frequency >= 0 && options.frequency <= 10);
  check("blur must be 0 to 20 pixels", options.blur >= 0 && options.blur <= 20);
  check("jitter must be 0 to 1024 pixels", options.jitter >= 0 && options.jitter <= 1024);

  const std::string node = node_of(model, target);
  PictureNetwork network = network_for(model, node, options.height, options.width);
  const Shape& shape = network.space().shape();
  Aim aim(network, target, node);
  const Random random(options.seed);
  std::vector<float> x(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < x.size(); ++i) x[i] = 0.5F + 0.01F * random.normal(i);
  Maximized result;
  result.start_value = aim(x, {});

  const FrequencyFilter filter(shape, options.frequency);
  std::vector<float> gradient(x.size());
  std::vector<float> pull(x.size());
  for (int64_t step = 0; step < options.steps; ++step) {
    const Random own = random.substream(static_cast<uint64_t>(step) + 1);
    jittered_gradient(aim, shape, x, options.jitter, own, gradient);
    if (options.frequency > 0) filter.apply(gradient);
    normalize(gradient, own.substream(0));
    std::ranges::fill(pull, 0.0F);
    if (options.total_variation > 0) total_variation(shape, x, options.total_variation, pull);
    for (size_t i = 0; i < x.size(); ++i) {
      gradient[i] -= pull[i] + static_cast<float>(options.l2) * (x[i] - 0.5F);
    }
    step_up(x, gradient, options.rate);
    if (options.blur > 0 && step % 4 == 3 && step + 1 < options.steps) blur(shape, options.blur, x);
  }
  result.picture = network.space().image(x);
  result.value = aim(network.space().pixels(result.picture), {});
  return result;
}

Image dream(Model& model, const Image& picture, const Target& target, const DreamOptions& options) {
  check("octaves must be 1 to 16", options.octaves >= 1 && options.octaves <= 16);
  check("the scale must be above 1, at most 4", options.scale > 1 && options.scale <= 4);
  check("steps must be at least 1", options.steps >= 1);
  check("the rate must be above 0, at most 1", options.rate > 0 && options.rate <= 1);
  check("jitter must be 0 to 1024 pixels", options.jitter >= 0 && options.jitter <= 1024);
  constexpr int smallest = 32;
  const std::string node = node_of(model, target);
  const Random random(options.seed);
  std::vector<float> detail;  // what was drawn so far, at the size before
  Shape detail_shape;
  Image result;
  for (int octave = options.octaves - 1; octave >= 0; --octave) {
    const double shrink = std::pow(options.scale, octave);
    const int height = static_cast<int>(std::lround(picture.height / shrink));
    const int width = static_cast<int>(std::lround(picture.width / shrink));
    if (octave > 0 && std::min(height, width) < smallest) continue;
    PictureNetwork network(model, {node}, height, width);
    const Shape& shape = network.space().shape();
    Aim aim(network, target, node);
    const std::vector<float> base = network.space().pixels(picture);
    std::vector<float> x = base;
    if (!detail.empty()) {
      detail = resized(detail_shape, detail, height, width);
      for (size_t i = 0; i < x.size(); ++i) x[i] = std::clamp(x[i] + detail[i], 0.0F, 1.0F);
    }
    std::vector<float> gradient(x.size());
    const Random own = random.substream(static_cast<uint64_t>(octave) + 1);
    for (int64_t step = 0; step < options.steps; ++step) {
      const Random of_step = own.substream(static_cast<uint64_t>(step));
      jittered_gradient(aim, shape, x, options.jitter, of_step, gradient);
      normalize(gradient, of_step.substream(0));
      step_up(x, gradient, options.rate);
    }
    detail.resize(x.size());
    for (size_t i = 0; i < x.size(); ++i) detail[i] = x[i] - base[i];
    detail_shape = shape;
    result = network.space().image(x);
  }
  return result;
}

}  // namespace fovea
