#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data/augment/step.h"
#include "fovea/augment.h"
#include "fovea/error.h"

namespace fovea {

namespace {

using augment::Draws;

// Gamma(alpha, 1) by Marsaglia and Tsang 2000, "A simple method for generating gamma variables"; below 1 by their
// boost, Gamma(alpha + 1) U^(1 / alpha).
double draw_gamma(double alpha, Draws& draws) {
  if (alpha < 1) {
    const double boost = std::pow(1 - draws.uniform(), 1 / alpha);
    return draw_gamma(alpha + 1, draws) * boost;
  }
  const double d = alpha - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (uint64_t attempt = 0;; ++attempt) {
    const double x = draws.apart().normal(0);
    const double v = std::pow(1 + c * x, 3);
    if (v > 0 && std::log(1 - draws.uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

// The larger of lambda and 1 - lambda, lambda ~ Beta(alpha, alpha).
double draw_share(double alpha, Draws& draws) {
  const double a = draw_gamma(alpha, draws);
  const double b = draw_gamma(alpha, draws);
  return a + b > 0 ? std::max(a, b) / (a + b) : 1;
}

struct Rectangle {
  int64_t top = 0, left = 0, bottom = 0, right = 0;
  int64_t area() const { return (bottom - top) * (right - left); }
};

// About `share` of the picture, its centre anywhere in it, cut off at the edges.
Rectangle draw_rectangle(int64_t height, int64_t width, double share, Draws& draws) {
  const auto half = [&](int64_t side) -> int64_t {
    return std::llround(static_cast<double>(side) * std::sqrt(share) / 2);
  };
  const int64_t y = draws.below(height);
  const int64_t x = draws.below(width);
  return {std::max<int64_t>(y - half(height), 0), std::max<int64_t>(x - half(width), 0),
          std::min(y + half(height), height), std::min(x + half(width), width)};
}

void blend(const float* a, const float* b, int64_t count, double share, float* out) {
  const auto first = static_cast<float>(share);
  const auto second = static_cast<float>(1 - share);
  for (int64_t i = 0; i < count; ++i) out[i] = first * a[i] + second * b[i];
}

void paste(const float* b, const Rectangle& part, int64_t width, int64_t channels, float* out) {
  for (int64_t y = part.top; y < part.bottom; ++y) {
    std::copy(b + (y * width + part.left) * channels, b + (y * width + part.right) * channels,
              out + (y * width + part.left) * channels);
  }
}

class Mixer {
 public:
  Mixer(const Batch& batch, const BatchMixing& mixing, const Random& random) : batch_(batch) {
    Draws draws(random);
    const bool mixes = mixing.any() && draws.chance(mixing.probability);
    const bool cuts = mixing.cutmix > 0 && (mixing.mixup <= 0 || draws.chance(0.5));
    if (!mixes) return;
    share_ = draw_share(cuts ? mixing.cutmix : mixing.mixup, draws);
    if (!cuts) return;
    pastes_ = true;
    const Shape& shape = batch.images.shape();
    part_ = draw_rectangle(shape[1], shape[2], 1 - share_, draws);
    share_ = 1 - static_cast<double>(part_.area()) / static_cast<double>(shape[1] * shape[2]);
  }

  double share() const { return share_; }  // of the first picture
  int64_t partner(int64_t row) const { return (row + 1) % batch_.count; }

  void write(int64_t row, float* out) const {
    const Shape& shape = batch_.images.shape();
    const int64_t size = shape[1] * shape[2] * shape[3];
    const float* a = batch_.images.data() + row * size;
    const float* b = batch_.images.data() + partner(row) * size;
    if (share_ < 1 && !pastes_) return blend(a, b, size, share_, out);
    std::copy(a, a + size, out);
    if (pastes_) paste(b, part_, shape[2], shape[3], out);
  }

 private:
  const Batch& batch_;
  double share_ = 1;
  bool pastes_ = false;
  Rectangle part_;
};

}  // namespace

void mix_batch(const Batch& batch, const BatchMixing& mixing, std::span<const float> class_weights,
               const Random& random, std::span<float> images, std::span<float> targets) {
  const auto rows = static_cast<size_t>(batch.labels.size());
  const size_t classes = targets.size() / rows;
  if (images.size() != batch.images.values().size() || classes == 0 || targets.size() % rows != 0 ||
      (!class_weights.empty() && class_weights.size() != classes)) {
    throw Error(ErrorKind::usage, fmt::format("mixing: {} values, {} targets and {} class weights do not fit a batch "
                                              "of {}",
                                              images.size(), targets.size(), class_weights.size(), rows));
  }
  const Mixer mixer(batch, mixing, random);
  const size_t size = images.size() / rows;
  std::ranges::fill(targets, 0.0F);
  const auto count_class = [&](size_t row, int64_t item, double share) {
    const auto label = static_cast<size_t>(batch.labels[item]);
    const float weight = class_weights.empty() ? 1.0F : class_weights[label];
    targets[row * classes + label] += weight * static_cast<float>(share);
  };
  for (int64_t row = 0; row < batch.count; ++row) {
    const auto at = static_cast<size_t>(row);
    mixer.write(row, images.data() + at * size);
    count_class(at, row, mixer.share());
    if (mixer.share() < 1) count_class(at, mixer.partner(row), 1 - mixer.share());
  }
  std::fill(images.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(batch.count) * size), images.end(), 0.0F);
}

}  // namespace fovea
