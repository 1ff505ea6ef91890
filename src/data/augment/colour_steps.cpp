#include <array>
#include <cmath>

#include "data/augment/step.h"
#include "fovea/image_ops.h"

// Steps that change colours and leave every pixel in its place.
namespace fovea::augment {

namespace {

// Brightness, contrast, saturation and hue in a random order, as torchvision's ColorJitter.
Step make_jitter(Arguments& arguments) {
  const Amount brightness = arguments.around_one("brightness", 0);
  const Amount contrast = arguments.around_one("contrast", 0);
  const Amount saturation = arguments.around_one("saturation", 0);
  const Amount hue = arguments.around_zero("hue", 0, 0.5);
  const auto changes = [](const Amount& amount, double still) { return amount.low != still || amount.high != still; };
  const std::array<bool, 4> wanted = {changes(brightness, 1), changes(contrast, 1), changes(saturation, 1),
                                      changes(hue, 0)};
  return {[=](Image& image, Draws& draws, Scratch&) {
    const std::array<double, 4> amounts = {draws.amount(brightness), draws.amount(contrast), draws.amount(saturation),
                                           draws.amount(hue)};
    std::array<size_t, 4> order = {0, 1, 2, 3};
    for (size_t i = order.size() - 1; i > 0; --i) {
      std::swap(order[i], order[static_cast<size_t>(draws.below(static_cast<int64_t>(i) + 1))]);
    }
    for (const size_t which : order) {
      if (!wanted[which]) continue;
      switch (which) {
        case 0:
          adjust_brightness(image, amounts[0]);
          break;
        case 1:
          adjust_contrast(image, amounts[1]);
          break;
        case 2:
          adjust_saturation(image, amounts[2]);
          break;
        default:
          adjust_hue(image, amounts[3]);
      }
    }
  }};
}

template <auto adjust>
Step make_factor(Arguments& arguments) {
  const Amount factor = arguments.around_one("factor", {});
  return {[=](Image& image, Draws& draws, Scratch&) { adjust(image, draws.amount(factor)); }};
}

Step make_sharpness(Arguments& arguments) {
  const Amount factor = arguments.around_one("factor", {});
  return {[=](Image& image, Draws& draws, Scratch& scratch) {
    adjust_sharpness(image, draws.amount(factor), scratch.image);
  }};
}

Step make_hue(Arguments& arguments) {
  const Amount turns = arguments.around_zero("turns", {}, 0.5);
  return {[=](Image& image, Draws& draws, Scratch&) { adjust_hue(image, draws.amount(turns)); }};
}

Step make_grey_step(Arguments& arguments) {
  const double probability = arguments.number("p", 0.1, 0, 1);
  return {[=](Image& image, Draws& draws, Scratch&) {
    if (draws.chance(probability)) make_grey(image);
  }};
}

Step make_posterize(Arguments& arguments) {
  const Amount bits = arguments.amount("bits", {}, 0, 8);
  return {[=](Image& image, Draws& draws, Scratch&) {
    posterize(image, static_cast<int>(std::lround(draws.amount(bits))));
  }};
}

Step make_solarize(Arguments& arguments) {
  const Amount threshold = arguments.amount("threshold", {}, 0, 256);
  return {[=](Image& image, Draws& draws, Scratch&) {
    solarize(image, static_cast<int>(std::lround(draws.amount(threshold))));
  }};
}

template <auto change>
Step make_plain(Arguments&) {
  return {[](Image& image, Draws&, Scratch&) { change(image); }};
}

Step make_identity(Arguments&) {
  return {[](Image&, Draws&, Scratch&) {}};
}

}  // namespace

std::vector<StepForm> colour_forms() {
  return {{"jitter", "jitter [brightness 0.4] [contrast 0.4] [saturation 0.4] [hue 0.1]", make_jitter},
          {"brightness", "brightness FACTOR, such as brightness 0.4 for 0.6..1.4", make_factor<adjust_brightness>},
          {"contrast", "contrast FACTOR, such as contrast 0.4 for 0.6..1.4", make_factor<adjust_contrast>},
          {"saturation", "saturation FACTOR, such as saturation 0.4 for 0.6..1.4", make_factor<adjust_saturation>},
          {"sharpness", "sharpness FACTOR, such as sharpness 0.4 for 0.6..1.4", make_sharpness},
          {"hue", "hue TURNS, such as hue 0.1 for -0.1..0.1", make_hue},
          {"grey", "grey [p 0.1]", make_grey_step},
          {"posterize", "posterize BITS", make_posterize},
          {"solarize", "solarize THRESHOLD", make_solarize},
          {"autocontrast", "autocontrast", make_plain<auto_contrast>},
          {"equalize", "equalize", make_plain<equalize>},
          {"invert", "invert", make_plain<invert>},
          {"identity", "identity", make_identity}};
}

}  // namespace fovea::augment
