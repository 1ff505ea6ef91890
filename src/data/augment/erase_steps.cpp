#include <algorithm>
#include <cmath>

#include "data/augment/step.h"

// Zhong et al. 2020, "Random erasing data augmentation": a rectangle of random area and shape is lost.
namespace fovea::augment {

namespace {

void fill_random(Image& image, const Region& part, const Random& random) {
  const auto channels = static_cast<size_t>(image.channels);
  uint64_t drawn = 0;
  for (int y = part.top; y < part.top + part.height; ++y) {
    const size_t begin =
        (static_cast<size_t>(y) * static_cast<size_t>(image.width) + static_cast<size_t>(part.left)) * channels;
    for (size_t i = 0; i < static_cast<size_t>(part.width) * channels; ++i, ++drawn) {
      image.pixels[begin + i] = static_cast<uint8_t>(random.bits(drawn / 4) >> (8 * (drawn % 4)));
    }
  }
}

void fill_grey(Image& image, const Region& part, uint8_t level) {
  const auto channels = static_cast<size_t>(image.channels);
  for (int y = part.top; y < part.top + part.height; ++y) {
    const size_t begin =
        (static_cast<size_t>(y) * static_cast<size_t>(image.width) + static_cast<size_t>(part.left)) * channels;
    std::fill_n(image.pixels.data() + begin, static_cast<size_t>(part.width) * channels, level);
  }
}

Step make_erase(Arguments& arguments) {
  const double probability = arguments.number("p", 0.5, 0, 1);
  const Amount area = arguments.amount("area", Amount{.low = 0.02, .high = 0.33}, 0, 1);
  const Amount ratio = arguments.amount("ratio", Amount{.low = 0.3, .high = 3.3}, 1e-2, 1e2);
  const std::string fill = arguments.word("fill", "random");
  if (fill != "random" && fill != "grey" && fill != "black") arguments.fail("fill must be random, grey or black");
  return {[=](Image& image, Draws& draws, Scratch&) {
    if (!draws.chance(probability)) return;
    for (int attempt = 0; attempt < 10; ++attempt) {
      const double pixels = draws.amount(area) * image.height * image.width;
      const double shape = std::exp(draws.uniform(std::log(ratio.low), std::log(ratio.high)));  // height / width
      const int height = static_cast<int>(std::lround(std::sqrt(pixels * shape)));
      const int width = static_cast<int>(std::lround(std::sqrt(pixels / shape)));
      if (height < 1 || width < 1 || height >= image.height || width >= image.width) continue;
      const auto top = static_cast<int>(draws.below(image.height - height + 1));
      const auto left = static_cast<int>(draws.below(image.width - width + 1));
      const Region part{top, left, height, width};
      fill == "random" ? fill_random(image, part, draws.apart()) : fill_grey(image, part, fill == "grey" ? 128 : 0);
      return;
    }
  }};
}

}  // namespace

std::vector<StepForm> erase_forms() {
  return {{"erase", "erase [p 0.5] [area 0.02..0.33] [ratio 0.3..3.3] [fill random|grey|black]", make_erase}};
}

}  // namespace fovea::augment
