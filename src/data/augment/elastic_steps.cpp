#include <algorithm>
#include <cmath>
#include <utility>

#include "data/augment/step.h"
#include "fovea/image_ops.h"

// Simard et al. 2003, "Best practices for convolutional neural networks applied to visual document analysis": each
// pixel moves by alpha times a random field, uniform in [-1, 1] and then smoothed with a Gaussian.
namespace fovea::augment {

namespace {

std::vector<float> half_gaussian(double sigma) {
  const auto reach = static_cast<size_t>(std::ceil(3 * sigma));
  std::vector<float> weights(reach + 1);
  double total = 0;
  for (size_t i = 0; i <= reach; ++i) {
    const double weight = std::exp(-0.5 * std::pow(static_cast<double>(i) / sigma, 2));
    total += (i == 0 ? 1 : 2) * weight;
    weights[i] = static_cast<float>(weight);
  }
  for (float& weight : weights) weight = static_cast<float>(static_cast<double>(weight) / total);
  return weights;
}

// One blurred line of `count` values `stride` apart, the field taken as zero outside.
void blur_line(const float* in, float* out, int count, size_t stride, const std::vector<float>& weights) {
  const int reach = static_cast<int>(weights.size()) - 1;
  for (int i = 0; i < count; ++i) {
    float sum = 0;
    for (int k = std::max(i - reach, 0); k <= std::min(i + reach, count - 1); ++k) {
      sum += weights[static_cast<size_t>(std::abs(k - i))] * in[static_cast<size_t>(k) * stride];
    }
    out[static_cast<size_t>(i) * stride] = sum;
  }
}

void draw_field(const Random& random, int height, int width, double alpha, const std::vector<float>& weights,
                std::vector<float>& field, std::vector<float>& spare) {
  const auto row = static_cast<size_t>(width);
  field.resize(static_cast<size_t>(height) * row);
  spare.resize(field.size());
  const auto strength = static_cast<float>(alpha);
  for (size_t i = 0; i < field.size(); ++i) field[i] = strength * (2 * random.uniform(i) - 1);
  for (size_t y = 0; y < static_cast<size_t>(height); ++y) {
    blur_line(field.data() + y * row, spare.data() + y * row, width, 1, weights);
  }
  for (size_t x = 0; x < row; ++x) blur_line(spare.data() + x, field.data() + x, height, row, weights);
}

Step make_elastic(Arguments& arguments) {
  const Amount alpha = arguments.amount("alpha", {}, 0, 1e4);
  const double sigma = arguments.number("sigma", {}, 0.1, 100);
  return {[=, weights = half_gaussian(sigma)](Image& image, Draws& draws, Scratch& scratch) {
    const double strength = draws.amount(alpha);
    auto& [dx, dy, spare] = scratch.fields;
    draw_field(draws.apart(), image.height, image.width, strength, weights, dx, spare);
    draw_field(draws.apart(), image.height, image.width, strength, weights, dy, spare);
    displace(image, dx.data(), dy.data(), scratch.image);
    std::swap(image, scratch.image);
  }};
}

}  // namespace

std::vector<StepForm> elastic_forms() {
  return {{"elastic", "elastic ALPHA SIGMA (both in pixels), such as elastic 36 5", make_elastic}};
}

}  // namespace fovea::augment
