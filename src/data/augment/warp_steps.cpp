#include <array>
#include <cmath>
#include <utility>

#include "data/augment/step.h"
#include "fovea/image_ops.h"

// Steps that turn, move, shear, scale and tilt the picture. What comes from outside it is black.
namespace fovea::augment {

namespace {

constexpr double steepest = 89;  // degrees of shear

void move(Image& image, const AffineMotion& motion, Sampling sampling, Scratch& scratch) {
  warp_affine(image, affine_matrix(motion, image.height, image.width), sampling, scratch.image);
  std::swap(image, scratch.image);
}

Step make_rotate(Arguments& arguments) {
  const Amount degrees = arguments.around_zero("degrees", {}, 360);
  const Sampling sampling = arguments.sampling();
  return {[=](Image& image, Draws& draws, Scratch& scratch) {
    move(image, {.degrees = -draws.amount(degrees)}, sampling, scratch);
  }};
}

Step make_affine(Arguments& arguments) {
  const Amount degrees = arguments.around_zero("degrees", 0, 360);
  const Amount shift = arguments.around_zero("translate", 0, 1);
  const Amount scale = arguments.amount("scale", Amount{.low = 1, .high = 1}, 0.01, 100);
  const Amount shear = arguments.around_zero("shear", 0, steepest);
  const Sampling sampling = arguments.sampling();
  return {[=](Image& image, Draws& draws, Scratch& scratch) {
    AffineMotion motion;
    motion.degrees = draws.amount(degrees);
    motion.right = std::round(draws.amount(shift) * image.width);
    motion.down = std::round(draws.amount(shift) * image.height);
    motion.scale = draws.amount(scale);
    motion.shear_x = draws.amount(shear);
    move(image, motion, sampling, scratch);
  }};
}

// out(x, y) = in(x + slope y, y): the tangent of a shear about the top left corner, as the policies of AutoAugment have
// it.
Step make_shear(Arguments& arguments, bool vertical) {
  const Amount slope = arguments.around_zero("slope", {}, 10);
  const Sampling sampling = arguments.sampling();
  return {[=](Image& image, Draws& draws, Scratch& scratch) {
    const double s = draws.amount(slope);
    const AffineMatrix matrix = vertical ? AffineMatrix{1, 0, 0, s, 1, 0} : AffineMatrix{1, s, 0, 0, 1, 0};
    warp_affine(image, matrix, sampling, scratch.image);
    std::swap(image, scratch.image);
  }};
}

Step make_shear_x(Arguments& arguments) { return make_shear(arguments, false); }
Step make_shear_y(Arguments& arguments) { return make_shear(arguments, true); }

Step make_translate(Arguments& arguments, bool vertical) {
  const Amount share = arguments.around_zero("share", {}, 1);
  return {[=](Image& image, Draws& draws, Scratch& scratch) {
    const double pixels = std::trunc(draws.amount(share) * (vertical ? image.height : image.width));
    warp_affine(image, vertical ? AffineMatrix{1, 0, 0, 0, 1, -pixels} : AffineMatrix{1, 0, -pixels, 0, 1, 0},
                Sampling::nearest, scratch.image);
    std::swap(image, scratch.image);
  }};
}

Step make_translate_x(Arguments& arguments) { return make_translate(arguments, false); }
Step make_translate_y(Arguments& arguments) { return make_translate(arguments, true); }

// Each corner moves inwards by up to `distortion` of half a side, as torchvision's RandomPerspective draws it.
Step make_perspective(Arguments& arguments) {
  const double distortion = arguments.number("distortion", 0.5, 0, 1);
  const double probability = arguments.number("p", 0.5, 0, 1);
  return {[=](Image& image, Draws& draws, Scratch& scratch) {
    if (!draws.chance(probability)) return;
    const double right = image.width - 1;
    const double bottom = image.height - 1;
    const auto inwards = [&](int side) {
      const int half = side / 2;
      return static_cast<double>(draws.below(static_cast<int64_t>(distortion * half) + 1));
    };
    const auto corner = [&](bool at_right, bool at_bottom) {
      const double x = inwards(image.width);
      const double y = inwards(image.height);
      return std::array{at_right ? right - x : x, at_bottom ? bottom - y : y};
    };
    Corners corners{};
    corners[0] = corner(false, false);
    corners[1] = corner(true, false);
    corners[2] = corner(true, true);
    corners[3] = corner(false, true);
    warp_perspective(image, corners, Sampling::bilinear, scratch.image);
    std::swap(image, scratch.image);
  }};
}

}  // namespace

std::vector<StepForm> warp_forms() {
  return {{"rotate", "rotate DEGREES [filter bilinear|nearest], such as rotate 15 for -15..15", make_rotate},
          {"affine", "affine [degrees 10] [translate 0.1] [scale 0.9..1.1] [shear 5] [filter bilinear|nearest]",
           make_affine},
          {"shear-x", "shear-x SLOPE [filter bilinear|nearest]", make_shear_x},
          {"shear-y", "shear-y SLOPE [filter bilinear|nearest]", make_shear_y},
          {"translate-x", "translate-x SHARE-OF-WIDTH", make_translate_x},
          {"translate-y", "translate-y SHARE-OF-HEIGHT", make_translate_y},
          {"perspective", "perspective [distortion 0.5] [p 0.5]", make_perspective}};
}

}  // namespace fovea::augment
