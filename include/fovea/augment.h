#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/data.h"
#include "fovea/image.h"
#include "fovea/random.h"

namespace fovea {

// How pictures of a batch are joined in pairs. The share of the first picture is drawn once for each batch as
// lambda ~ Beta(alpha, alpha), and max(lambda, 1 - lambda) taken, so that a picture's own class counts most.
struct BatchMixing {
  double mixup = 0;   // alpha of mixup (Zhang et al. 2018): lambda a + (1 - lambda) b; 0: none
  double cutmix = 0;  // alpha of cutmix (Yun et al. 2019): a rectangle of (1 - lambda) of b's area in a; 0: none
  // With both, each batch takes one or the other, by even chance.
  double probability = 1;  // of a batch to be mixed at all

  bool any() const { return mixup > 0 || cutmix > 0; }
};

// Random changes of training pictures, written as text:
//   "pad 4, crop 32, flip"                   the usual ones for CIFAR
//   "resized-crop 224, flip, jitter 0.4 0.4 0.4 0.1, erase 0.25, mixup 0.2"
// Steps are separated by commas and done in order; docs/data.md lists them. The arguments of a step follow its name, in
// order or each behind its name: "rotate 15" is "rotate degrees 15". An amount is a number, a range a..b, or a number
// with either sign, +-a or c+-a (c plus or minus a). Every step takes "p PROBABILITY". "one-of(a, b | c)" does one of
// several lists of steps; "randaugment 2 9" and "autoaugment cifar-10" are short for such lists.
class Augmentation {
 public:
  Augmentation() = default;  // changes nothing
  // Throws Error(usage) naming the step and what it takes.
  explicit Augmentation(std::string_view text);

  const std::string& text() const { return text_; }
  // Whether a picture ever changes; mixing aside.
  bool changes_pictures() const { return steps_ != nullptr; }
  // Changes a picture by the numbers of a random stream of its own: equal streams, equal changes.
  // Throws Error(usage) naming the step when it cannot be done, such as a crop of a smaller picture.
  // `turn` decides for steps that take turns from one visit of a picture to the next.
  void apply(Image& image, const Random& random, bool turn = false) const;
  const BatchMixing& mixing() const { return mixing_; }

  // Pixels that both sides of a picture should have for the first step, which resizes, to lose nothing to the eye; 0
  // when the size of the picture counts (see read_image).
  int enough() const;

 private:
  struct Steps;
  std::string text_;
  std::shared_ptr<const Steps> steps_;  // null: none
  BatchMixing mixing_;
};

// The pictures of a data set as one epoch of training sees them: item i changed by the stream of (seed, epoch, i), the
// same for any order of reading and any number of workers; its first turn is drawn from (seed, i). `enough`: see
// read_image.
std::shared_ptr<const Dataset> augmented(std::shared_ptr<const Dataset> dataset, Augmentation augmentation,
                                         uint64_t seed, uint64_t epoch, int enough = 0);

// Writes batch.images, mixed in pairs of neighbours (row i with row i + 1, the last with the first), to `images` {N, H,
// W, C} and the shares of the classes to `targets` {N, K}: one row of zeros and ones for each item, or of two shares.
// With class_weights {K} (empty: none) each class's share is multiplied by its weight. Draws from `random` alone.
// Throws Error(usage) when the spans do not fit.
void mix_batch(const Batch& batch, const BatchMixing& mixing, std::span<const float> class_weights,
               const Random& random, std::span<float> images, std::span<float> targets);

}  // namespace fovea
