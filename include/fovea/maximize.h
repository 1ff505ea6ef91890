#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "fovea/image.h"
#include "fovea/model.h"

// Pictures that excite a part of a network most: from noise (activation maximisation), or from a picture (deep dream).
namespace fovea {

// What is to be excited, at the node of that name (empty: the logits).
struct Target {
  std::string node{};
  std::optional<int64_t> channel{};                  // class or feature map; none: all, by the mean of their squares
  std::optional<std::array<int64_t, 2>> position{};  // row and column of one unit; none: the mean over all
};

struct MaximizeOptions {
  // Of the picture; 0: the network's own. Others only for nodes that take any size.
  int height = 0, width = 0;
  int64_t steps = 256;
  double rate = 0.02;  // root of the mean square of what a step changes, pixels in [0, 1]
  // Regularisers; each does nothing at 0.
  double l2 = 0.02;  // pull to grey, times the distance from it (Simonyan et al. 2014)
  double total_variation =
      0.02;              // pull on neighbours, times the slope of sqrt(differences^2) (Mahendran & Vedaldi 2015)
  double blur = 0.5;     // sigma in pixels of a Gaussian over the picture every 4 steps (Yosinski et al. 2015)
  int jitter = 8;        // each step looks at the picture moved by at most so many pixels (Mordvintsev 2015)
  double frequency = 1;  // exponent p: the gradient's part of frequency f is divided by f^p (Olah et al. 2017)
  uint64_t seed = 0;
};

struct Maximized {
  Image picture;
  double value = 0;        // of the target, for the 8-bit picture
  double start_value = 0;  // for the noise at the start
};

// Ascends from noise around grey, of deviation 0.01: x += rate * (g / rms(g) - pulls), cut to [0, 1], where g is the
// target's gradient by the picture, its frequencies weighted. Same options and seed: same bits.
// Throws Error(usage) for an unknown node, channel or position, and options that make no sense; Error(format) unless
// the network has one input, which its preprocessing fills, or when it does not take the size.
Maximized maximize(Model& model, const Target& target, const MaximizeOptions& options = {});

struct DreamOptions {
  int octaves = 4;  // sizes, each `scale` times the one before, the last the picture's
  double scale = 1.4;
  int64_t steps = 12;  // in each
  double rate = 0.03;  // as MaximizeOptions::rate
  int jitter = 16;
  uint64_t seed = 0;
};

// Deep dream (Mordvintsev et al. 2015): steps up the target's gradient on the picture, first small, where they draw
// large things; what they drew is enlarged and put on the next size. The result has the picture's size. Octaves with a
// side below 32 pixels are left out. Throws as maximize does.
Image dream(Model& model, const Image& picture, const Target& target, const DreamOptions& options = {});

}  // namespace fovea
