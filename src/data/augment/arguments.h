#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/image.h"
#include "fovea/image_ops.h"

namespace fovea::augment {

// A number to be drawn: center + [low, high], or by even chance center - [low, high].
struct Amount {
  double low = 0;
  double high = 0;
  double center = 0;
  bool either_sign = false;
  bool single = false;  // written as one number, which many steps take as the end of a range
};

// What follows a step's name. Arguments are taken in the order of the step's form, each from behind its name or, if it
// is not named, the next that stands alone. Everything wrong with them throws Error(usage) with the step's form.
class Arguments {
 public:
  Arguments(std::string_view step, std::string_view usage) : step_(step), usage_(usage) {}

  void add(std::string_view word) { alone_.emplace_back(word); }
  void add(std::string_view name, std::string_view word);

  double number(const char* name, std::optional<double> preset, double least, double most);
  int64_t whole(const char* name, std::optional<int64_t> preset, int64_t least, int64_t most);
  // As it is written.
  Amount amount(const char* name, std::optional<Amount> preset, double least, double most);
  // A single number a stands for -a..a, or for 1 - a..1 + a, at least 0.
  Amount around_zero(const char* name, std::optional<double> preset, double most);
  Amount around_one(const char* name, std::optional<double> preset);
  // "32" or "24x32": {height, width}.
  std::pair<int, int> extents(const char* name);
  ResizeFilter filter();  // "filter", bilinear
  Sampling sampling();    // "filter", bilinear
  std::string word(const char* name, std::string_view preset);
  // "p", which must be named; 1.
  double probability();

  // Throws when something was not taken.
  void finish() const;
  [[noreturn]] void fail(std::string_view problem) const;

 private:
  std::optional<std::string> take(const char* name);
  std::string demand(const char* name);
  void check(const char* name, double value, double least, double most) const;
  Amount parse_amount(const char* name, std::string_view text) const;
  double parse_number(const char* name, std::string_view text) const;

  std::string step_;
  std::string_view usage_;
  std::vector<std::string> alone_;
  size_t next_ = 0;
  std::vector<std::pair<std::string, std::string>> named_;
};

}  // namespace fovea::augment
