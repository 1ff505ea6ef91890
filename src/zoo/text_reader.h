#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/ops.h"

namespace fovea {

// Lower case, without underscores: "Max_Pool" is "maxpool".
std::string normalized(std::string_view word);

// Reads the words of a text form. A word is a run of letters and digits, or one of , ( ) and the line break.
// Everything that does not find what it expects throws Error(usage) with the position.
class TextReader {
 public:
  explicit TextReader(std::string_view text) : text_(text) { skip_spaces(); }

  // The word at the current position; empty at the end of the text.
  std::string_view peek() const;
  std::string_view take();
  bool accept(std::string_view word);
  bool accept_lines();  // any number of line breaks
  bool at_end() const { return at_ == text_.size(); }
  // At the end of a layer: a separator, a closing parenthesis or the end of the text.
  bool at_layer_end() const;

  // Where reading goes on; reading can go back to an earlier place.
  size_t place() const { return at_; }
  void go_to(size_t place) { at_ = place; }

  int64_t whole(std::string_view what, int64_t least = 1);
  double number(std::string_view what);
  Extents extents(std::string_view what, int64_t least = 1);  // "3", "3x5" or "3x5x5"
  int64_t times();                                            // "3 x" or "3x"
  Padding padding();                                          // "1", "1x2", "same" or "valid"

  using Option = std::pair<std::string_view, std::function<void()>>;
  // Reads options, each at most once and in any order, until the layer ends.
  void options(const std::vector<Option>& known);

  // "column 12, 'rleu': ", of the word at `place`.
  std::string position(size_t place) const;
  [[noreturn]] void fail(size_t place, const std::string& message) const;
  [[noreturn]] void fail(const std::string& message) const { fail(at_, message); }

  // The form of the layer being read, added to what fail() says; empty between layers.
  void set_usage(std::string_view usage) { usage_ = usage; }

 private:
  std::string_view word_at(size_t place) const;
  void skip_spaces();

  std::string_view text_;
  size_t at_ = 0;
  std::string_view usage_;
};

}  // namespace fovea
