#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "data/augment/step.h"
#include "fovea/image_ops.h"

// Steps that blur the picture or add noise to it.
namespace fovea::augment {

namespace {

Step make_blur(Arguments& arguments) {
  const Amount sigma = arguments.amount("sigma", Amount{.low = 0.1, .high = 2}, 0.01, 100);
  return {[=](Image& image, Draws& draws, Scratch&) {
    const double width = draws.amount(sigma);
    // Three sigmas on both sides, or as many pixels as can be mirrored.
    const int half = std::min({static_cast<int>(std::ceil(3 * width)), image.height - 1, image.width - 1});
    gaussian_blur(image, 2 * half + 1, width);
  }};
}

// Normal numbers of mean 0 and this deviation on a scale from 0 to 1, for each sample on its own.
Step make_noise(Arguments& arguments) {
  const Amount deviation = arguments.amount("deviation", {}, 0, 1);
  return {[=](Image& image, Draws& draws, Scratch&) {
    const auto scale = static_cast<float>(draws.amount(deviation) * 255);
    const Random random = draws.apart();
    for (size_t i = 0; i < image.pixels.size(); i += 4) {
      const std::array<uint32_t, 4> words = random.block(i / 4);
      for (size_t k = 0; k < 4 && i + k < image.pixels.size(); ++k) {
        // Box-Muller: two normal numbers from two even ones in (0, 1].
        const float radius = std::sqrt(-2 * std::log(static_cast<float>((words[k & 2] >> 8) + 1) * 0x1p-24F));
        const float angle = 2 * std::numbers::pi_v<float> * static_cast<float>(words[k | 1] >> 8) * 0x1p-24F;
        const float normal = radius * (k % 2 == 0 ? std::cos(angle) : std::sin(angle));
        const float value = static_cast<float>(image.pixels[i + k]) + scale * normal;
        image.pixels[i + k] = static_cast<uint8_t>(std::lround(std::clamp(value, 0.0F, 255.0F)));
      }
    }
  }};
}

}  // namespace

std::vector<StepForm> noise_forms() {
  return {{"blur", "blur [sigma 0.1..2]", make_blur}, {"noise", "noise DEVIATION, of 0 to 1", make_noise}};
}

}  // namespace fovea::augment
