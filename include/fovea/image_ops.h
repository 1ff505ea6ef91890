#pragma once

#include <array>
#include <cstdint>

#include "fovea/image.h"

// Operations on pictures of 8 bits per sample, with the results of Pillow and torchvision within one grey level. All
// take an image of 1 or 3 channels that is consistent, as read_image gives it; functions with `out` reuse its memory,
// and `out` must be another image than `in`. Throws are Error(usage).
namespace fovea {

// ---- Where pixels go -----------------------------------------------------------------------------------------------

void flip_horizontal(Image& image);
void flip_vertical(Image& image);

// What stands around a picture: black, its mirror image without repeating the edge (abc|ba), or its edge repeated.
enum class Border { black, reflect, edge };

// The picture with `border` more pixels on each side. Throws for a negative or huge border; reflect needs
// border < height and width.
void pad(const Image& in, int border, Border kind, Image& out);

// The height x width pixels from (top, left). Throws when they are not all in the picture.
void crop(const Image& in, int top, int left, int height, int width, Image& out);

// ---- Geometric changes ---------------------------------------------------------------------------------------------

// Where an output pixel takes its value: the nearest pixel, or the four around it weighted linearly. What comes from
// outside the picture is black.
enum class Sampling { nearest, bilinear };

// out(x, y) = in(m0 x + m1 y + m2, m3 x + m4 y + m5), both in coordinates in which pixel (i, j) covers
// [i, i+1) x [j, j+1): Pillow's Image.transform(AFFINE).
using AffineMatrix = std::array<double, 6>;
void warp_affine(const Image& in, const AffineMatrix& matrix, Sampling sampling, Image& out);

// How the content moves about the centre: turned clockwise by `degrees`, sheared, scaled, then moved by pixels, as
// torchvision's functional.affine has it.
struct AffineMotion {
  double degrees = 0;
  double right = 0;  // pixels
  double down = 0;
  double scale = 1;    // > 0
  double shear_x = 0;  // degrees, within (-90, 90)
  double shear_y = 0;
};
// The matrix of warp_affine for a motion. Throws for a scale or shear that is out of range.
AffineMatrix affine_matrix(const AffineMotion& motion, int height, int width);

// The four corners (x, y) of the picture, from the top left clockwise, go to these places: Pillow's
// Image.transform(PERSPECTIVE) with torchvision's coefficients. Throws when no perspective does that.
using Corners = std::array<std::array<double, 2>, 4>;
void warp_perspective(const Image& in, const Corners& corners, Sampling sampling, Image& out);

// out(x, y) = in(x + dx, y + dy) for the displacements {height, width} of each pixel, bilinear (Simard et al. 2003,
// "Best practices for convolutional neural networks applied to visual document analysis").
void displace(const Image& in, const float* dx, const float* dy, Image& out);

// ---- Colours -------------------------------------------------------------------------------------------------------

// Blends of a degenerate picture (factor 0) and the picture (factor 1); factors above 1 go beyond it. factor >= 0.
void adjust_brightness(Image& image, double factor);                 // from black
void adjust_contrast(Image& image, double factor);                   // from its mean grey
void adjust_saturation(Image& image, double factor);                 // from its grey version
void adjust_sharpness(Image& image, double factor, Image& scratch);  // from its 3x3 smoothed version

// Turns the hue by `turns` of the colour circle, -0.5 to 0.5, in 8-bit HSV. Grey pictures stay as they are.
void adjust_hue(Image& image, double turns);

// Grey in the channels there are.
void make_grey(Image& image);
// 255 - value.
void invert(Image& image);
// Keeps the `bits` highest bits of each sample, 0 to 8.
void posterize(Image& image, int bits);
// Inverts samples of at least `threshold`.
void solarize(Image& image, int threshold);
// Stretches each channel to 0..255.
void auto_contrast(Image& image);
// Makes each channel's histogram as even as it can be.
void equalize(Image& image);

// ---- Neighbourhoods ------------------------------------------------------------------------------------------------

// Gaussian blur with a kernel of `size` x `size` (odd), sigma in pixels > 0, the picture mirrored at its edges
// (size / 2 below both sides): torchvision's gaussian_blur.
void gaussian_blur(Image& image, int size, double sigma);

}  // namespace fovea
