#include <fmt/format.h>

#include "core/text.h"
#include "data/augment/step.h"
#include "fovea/error.h"

// Published policies, written in the text form of augmentation.
namespace fovea::augment {

namespace {

// Cubuk et al. 2019, "AutoAugment: learning augmentation policies from data": the 25 sub-policies found on CIFAR-10 and
// on ImageNet, with the magnitudes of torchvision's AutoAugment.
constexpr const char* cifar10_policy =
    "one-of("
    "invert p 0.1, contrast 1+-0.6 p 0.2 | rotate +-6.667 p 0.7, translate-x +-0.4532 p 0.3 | "
    "sharpness 1+-0.1 p 0.8, sharpness 1+-0.3 p 0.9 | shear-y +-0.2667 p 0.5, translate-y +-0.4532 p 0.7 | "
    "autocontrast p 0.5, equalize p 0.9 | shear-y +-0.2333 p 0.2, posterize 5 p 0.3 | "
    "saturation 1+-0.3 p 0.4, brightness 1+-0.7 p 0.6 | sharpness 1+-0.9 p 0.3, brightness 1+-0.9 p 0.7 | "
    "equalize p 0.6, equalize p 0.5 | contrast 1+-0.7 p 0.6, sharpness 1+-0.5 p 0.6 | "
    "saturation 1+-0.7 p 0.7, translate-x +-0.4028 p 0.5 | equalize p 0.3, autocontrast p 0.4 | "
    "translate-y +-0.1511 p 0.4, sharpness 1+-0.6 p 0.2 | brightness 1+-0.6 p 0.9, saturation 1+-0.8 p 0.2 | "
    "solarize 198 p 0.5, invert p 0 | equalize p 0.2, autocontrast p 0.6 | equalize p 0.2, equalize p 0.6 | "
    "saturation 1+-0.9 p 0.9, equalize p 0.6 | autocontrast p 0.8, solarize 28 p 0.2 | "
    "brightness 1+-0.3 p 0.1, saturation 1+-0 p 0.7 | solarize 113 p 0.4, autocontrast p 0.9 | "
    "translate-y +-0.4532 p 0.9, translate-y +-0.4532 p 0.7 | autocontrast p 0.9, solarize 170 p 0.8 | "
    "equalize p 0.8, invert p 0.1 | translate-y +-0.4532 p 0.7, autocontrast p 0.9)";

constexpr const char* imagenet_policy =
    "one-of("
    "posterize 4 p 0.4, rotate +-30 p 0.6 | solarize 113 p 0.6, autocontrast p 0.6 | "
    "equalize p 0.8, equalize p 0.6 | posterize 5 p 0.6, posterize 5 p 0.6 | equalize p 0.4, solarize 142 p 0.2 | "
    "equalize p 0.4, rotate +-26.67 p 0.8 | solarize 170 p 0.6, equalize p 0.6 | posterize 6 p 0.8, equalize p 1 | "
    "rotate +-10 p 0.2, solarize 28 p 0.6 | equalize p 0.6, posterize 5 p 0.4 | "
    "rotate +-26.67 p 0.8, saturation 1+-0 p 0.4 | rotate +-30 p 0.4, equalize p 0.6 | "
    "equalize p 0, equalize p 0.8 | invert p 0.6, equalize p 1 | saturation 1+-0.4 p 0.6, contrast 1+-0.8 p 1 | "
    "rotate +-26.67 p 0.8, saturation 1+-0.2 p 1 | saturation 1+-0.8 p 0.8, solarize 57 p 0.8 | "
    "sharpness 1+-0.7 p 0.4, invert p 0.6 | shear-x +-0.1667 p 0.6, equalize p 1 | "
    "saturation 1+-0 p 0.4, equalize p 0.6 | equalize p 0.4, solarize 142 p 0.2 | "
    "solarize 113 p 0.6, autocontrast p 0.6 | invert p 0.6, equalize p 1 | "
    "saturation 1+-0.4 p 0.6, contrast 1+-0.8 p 1 | equalize p 0.8, equalize p 0.6)";

}  // namespace

std::string auto_augment_text(std::string_view policy) {
  if (policy == "cifar-10") return cifar10_policy;
  if (policy == "imagenet") return imagenet_policy;
  throw Error(ErrorKind::usage, fmt::format("augmentation: 'autoaugment': there is no policy '{}'; its form is: "
                                            "autoaugment cifar-10|imagenet",
                                            printable(policy)));
}

// Cubuk et al. 2020, "RandAugment: practical automated data augmentation with a reduced search space", with the
// operations and the largest magnitudes of torchvision's RandAugment.
std::string rand_augment_text(int64_t count, double magnitude) {
  constexpr double levels = 30;
  if (count < 1 || count > 14 || !(magnitude >= 0 && magnitude <= levels)) {
    throw Error(ErrorKind::usage,
                fmt::format("augmentation: 'randaugment': the count must be 1 to 14 and the magnitude "
                            "0 to {}, got {} and {}; its form is: randaugment [count 2] "
                            "[magnitude 9]",
                            levels, count, magnitude));
  }
  const double share = magnitude / levels;
  const std::string once = fmt::format(
      "one-of(identity | shear-x +-{0:.4f} | shear-y +-{0:.4f} | translate-x +-{1:.4f} | translate-y +-{1:.4f} | "
      "rotate +-{2:.4f} | brightness 1+-{3:.4f} | saturation 1+-{3:.4f} | contrast 1+-{3:.4f} | "
      "sharpness 1+-{3:.4f} | posterize {4} | solarize {5} | autocontrast | equalize)",
      0.3 * share, 150.0 / 331 * share, 30 * share, 0.9 * share, 8 - static_cast<int>(4 * share + 0.5),
      static_cast<int>(255 * (1 - share)));
  std::string text = once;
  for (int64_t i = 1; i < count; ++i) text += ", " + once;
  return text;
}

}  // namespace fovea::augment
