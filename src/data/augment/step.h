#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "data/augment/arguments.h"
#include "data/convert.h"
#include "fovea/image.h"
#include "fovea/random.h"

namespace fovea::augment {

// The numbers of a random stream, one after the other.
class Draws {
 public:
  explicit Draws(const Random& random, bool turn = false) : random_(random), turn_(turn) {}

  const Random& stream() const { return random_; }
  double uniform() { return random_.uniform(next_++); }  // [0, 1)
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  bool chance(double probability) { return uniform() < probability; }
  int64_t below(int64_t n) { return static_cast<int64_t>(random_.below(next_++, static_cast<uint64_t>(n))); }
  double amount(const Amount& amount) {
    const double value = uniform(amount.low, amount.high);
    return amount.center + (amount.either_sign && chance(0.5) ? -value : value);
  }
  // True in every second epoch, for half of the pictures in the even ones.
  bool turn() const { return turn_; }
  // A stream apart, for steps that need many numbers.
  Random apart() { return random_.substream(next_++); }

 private:
  Random random_;
  uint64_t next_ = 0;
  bool turn_;
};

// Memory that is kept from picture to picture; each thread has its own.
struct Scratch {
  Image image;
  Resizer resizer;
  std::vector<float> fields[3];
};

// Changes the picture in place.
using Change = std::function<void(Image& image, Draws& draws, Scratch& scratch)>;

struct Step {
  Change change;
  int resizes_to = 0;  // pixels of the shorter side or of both, whatever the picture's size; 0: no such step
};

// A step's name, what it takes (for messages) and how it is made of its arguments.
struct StepForm {
  std::string_view name;
  std::string_view usage;
  Step (*make)(Arguments& arguments);
};

// One list for each file of steps.
std::vector<StepForm> crop_forms();
std::vector<StepForm> warp_forms();
std::vector<StepForm> elastic_forms();
std::vector<StepForm> colour_forms();
std::vector<StepForm> noise_forms();
std::vector<StepForm> erase_forms();

// The text that "randaugment N M" and "autoaugment POLICY" stand for. Throw Error(usage) for numbers out of range and
// unknown policies.
std::string rand_augment_text(int64_t count, double magnitude);
std::string auto_augment_text(std::string_view policy);

}  // namespace fovea::augment
