#include <algorithm>
#include <cmath>
#include <utility>

#include "data/augment/step.h"
#include "fovea/image_ops.h"

// Steps that choose a part of the picture or mirror it.
namespace fovea::augment {

namespace {

constexpr double all_of_it = max_picture_side;

Step make_flip(Arguments& arguments) {
  const double probability = arguments.number("p", 0.5, 0, 1);
  return {[=](Image& image, Draws& draws, Scratch&) {
    if (draws.chance(probability)) flip_horizontal(image);
  }};
}

// Each picture is seen mirrored in every second epoch (Jordan 2024, section 3.6).
Step make_alternating_flip(Arguments&) {
  return {[](Image& image, Draws& draws, Scratch&) {
    if (draws.turn()) flip_horizontal(image);
  }};
}

Step make_flip_vertical(Arguments& arguments) {
  const double probability = arguments.number("p", 0.5, 0, 1);
  return {[=](Image& image, Draws& draws, Scratch&) {
    if (draws.chance(probability)) flip_vertical(image);
  }};
}

Step make_pad(Arguments& arguments) {
  const auto border = static_cast<int>(arguments.whole("pixels", {}, 0, 1024));
  const std::string name = arguments.word("border", "black");
  if (name != "black" && name != "reflect" && name != "edge") arguments.fail("border must be black, reflect or edge");
  const Border kind = name == "black" ? Border::black : name == "edge" ? Border::edge : Border::reflect;
  return {[=](Image& image, Draws&, Scratch& scratch) {
    pad(image, border, kind, scratch.image);
    std::swap(image, scratch.image);
  }};
}

Step make_crop(Arguments& arguments) {
  const auto [height, width] = arguments.extents("size");
  return {[height = height, width = width](Image& image, Draws& draws, Scratch& scratch) {
    const auto place = [&](int whole, int part) {
      return whole > part ? static_cast<int>(draws.below(whole - part + 1)) : 0;
    };
    const int top = place(image.height, height);
    const int left = place(image.width, width);
    crop(image, top, left, height, width, scratch.image);
    std::swap(image, scratch.image);
  }};
}

Step make_center_crop(Arguments& arguments) {
  const auto [height, width] = arguments.extents("size");
  return {[height = height, width = width](Image& image, Draws&, Scratch& scratch) {
    const Region window = center_region(image.height, image.width, height, width);
    crop(image, window.top, window.left, height, width, scratch.image);
    std::swap(image, scratch.image);
  }};
}

Step make_resize(Arguments& arguments) {
  const auto shorter = arguments.amount("size", {}, 1, all_of_it);  // drawn anew for each picture: VGG's scale jitter
  const ResizeFilter filter = arguments.filter();
  return {[=](Image& image, Draws& draws, Scratch& scratch) {
            const auto side = static_cast<int>(std::lround(draws.amount(shorter)));
            const auto [height, width] = shorter_side_extents(image.height, image.width, side);
            scratch.resizer.run(image, height, width, filter, scratch.image);
            std::swap(image, scratch.image);
          },
          static_cast<int>(std::lround(shorter.center + shorter.high))};
}

// A window of `area` (a share of the picture) and `ratio` (width / height, drawn evenly in its logarithm), as
// torchvision's RandomResizedCrop draws it: the first of ten that lies in the picture, else the largest one in the
// middle whose ratio is in range.
Region draw_region(const Image& image, const Amount& area, const Amount& ratio, Draws& draws) {
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double pixels = draws.amount(area) * image.height * image.width;
    const double shape = std::exp(draws.uniform(std::log(ratio.low), std::log(ratio.high)));
    const int width = static_cast<int>(std::lround(std::sqrt(pixels * shape)));
    const int height = static_cast<int>(std::lround(std::sqrt(pixels / shape)));
    if (width < 1 || height < 1 || width > image.width || height > image.height) continue;
    const auto top = static_cast<int>(draws.below(image.height - height + 1));
    const auto left = static_cast<int>(draws.below(image.width - width + 1));
    return {top, left, height, width};
  }
  const double shape = std::clamp(static_cast<double>(image.width) / image.height, ratio.low, ratio.high);
  const int width = std::clamp(static_cast<int>(std::lround(image.height * shape)), 1, image.width);
  const int height = std::clamp(static_cast<int>(std::lround(image.width / shape)), 1, image.height);
  return center_region(image.height, image.width, height, width);
}

Step make_resized_crop(Arguments& arguments) {
  const auto [height, width] = arguments.extents("size");
  const Amount area = arguments.amount("area", Amount{.low = 0.08, .high = 1}, 1e-4, 1);
  const Amount ratio = arguments.amount("ratio", Amount{.low = 3.0 / 4, .high = 4.0 / 3}, 1e-2, 1e2);
  const ResizeFilter filter = arguments.filter();
  return {[=, height = height, width = width](Image& image, Draws& draws, Scratch& scratch) {
            const Region part = draw_region(image, area, ratio, draws);
            crop(image, part.top, part.left, part.height, part.width, scratch.image);
            scratch.resizer.run(scratch.image, height, width, filter, image);
          },
          std::max(height, width)};
}

}  // namespace

std::vector<StepForm> crop_forms() {
  return {
      {"flip", "flip [p 0.5]", make_flip},
      {"alternating-flip", "alternating-flip", make_alternating_flip},
      {"flip-vertical", "flip-vertical [p 0.5]", make_flip_vertical},
      {"pad", "pad PIXELS [border black|reflect|edge]", make_pad},
      {"crop", "crop SIZE or HEIGHTxWIDTH", make_crop},
      {"center-crop", "center-crop SIZE or HEIGHTxWIDTH", make_center_crop},
      {"resize", "resize SHORTER-SIDE [filter nearest|box|bilinear|bicubic], such as resize 256..480", make_resize},
      {"resized-crop", "resized-crop SIZE or HEIGHTxWIDTH [area 0.08..1] [ratio 0.75..1.3333] [filter bilinear|...]",
       make_resized_crop}};
}

}  // namespace fovea::augment
