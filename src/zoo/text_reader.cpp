#include "zoo/text_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

#include "core/suggest.h"
#include "fovea/error.h"
#include "fovea/text_form.h"

namespace fovea {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool is_mark(char c) { return c == ',' || c == '(' || c == ')' || c == '\n'; }

// A word as it may stand in a message: short and printable.
std::string quoted(std::string_view word) {
  constexpr size_t longest = 40;
  if (word.empty()) return "the end";
  if (word == "\n") return "the end of the line";
  std::string shown(word.substr(0, longest));
  std::ranges::replace_if(
      shown, [](char c) { return c < ' ' || c > '~'; }, '?');
  return fmt::format("'{}{}'", shown, word.size() > longest ? "..." : "");
}

template <class T>
std::optional<T> parse(std::string_view word) {
  T value{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

std::optional<int64_t> parse_whole(std::string_view word, int64_t least) {
  const auto value = parse<int64_t>(word);
  return value && *value >= least && *value <= TextFormLimits::number ? value : std::nullopt;
}

}  // namespace

std::string normalized(std::string_view word) {
  std::string result;
  for (const char c : word) {
    if (c != '_') result += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return result;
}

std::string_view TextReader::word_at(size_t place) const {
  if (place == text_.size()) return {};
  size_t end = place + 1;
  if (!is_mark(text_[place])) {
    while (end < text_.size() && !is_mark(text_[end]) && !is_space(text_[end])) ++end;
  }
  return text_.substr(place, end - place);
}

void TextReader::skip_spaces() {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
}

std::string_view TextReader::peek() const { return word_at(at_); }

std::string_view TextReader::take() {
  const std::string_view word = peek();
  at_ += word.size();
  skip_spaces();
  return word;
}

bool TextReader::accept(std::string_view word) {
  if (at_end() || peek() != word) return false;
  take();
  return true;
}

bool TextReader::accept_lines() {
  if (at_end() || text_[at_] != '\n') return false;
  while (!at_end() && (is_space(text_[at_]) || text_[at_] == '\n')) ++at_;
  return true;
}

bool TextReader::at_layer_end() const { return at_end() || (is_mark(text_[at_]) && text_[at_] != '('); }

int64_t TextReader::whole(std::string_view what, int64_t least) {
  const auto value = parse_whole(peek(), least);
  if (!value) fail(fmt::format("expected {}, a whole number from {} to {}", what, least, TextFormLimits::number));
  take();
  return *value;
}

double TextReader::number(std::string_view what) {
  const auto value = parse<double>(peek());
  if (!value || !std::isfinite(*value)) fail(fmt::format("expected {}, a number", what));
  take();
  return *value;
}

Extents TextReader::extents(std::string_view what, int64_t least) {
  std::vector<int64_t> numbers;
  std::string_view left = peek();
  while (true) {
    const size_t cross = std::min(left.find('x'), left.size());
    const auto number = parse_whole(left.substr(0, cross), least);
    if (!number || numbers.size() == Extents::max_axes) {
      fail(fmt::format("expected {}, such as 3 or 3x5, numbers from {} to {}", what, least, TextFormLimits::number));
    }
    numbers.push_back(*number);
    if (cross == left.size()) break;
    left.remove_prefix(cross + 1);
  }
  take();
  return Extents(numbers);
}

int64_t TextReader::times() {
  std::string_view word = peek();
  const bool joined = word.ends_with('x');
  if (joined) word.remove_suffix(1);
  const auto value = parse_whole(word, 1);
  if (!value) fail(fmt::format("expected a layer, or how often to repeat, from 1 to {}", TextFormLimits::number));
  take();
  if (!joined && !accept("x")) fail("expected 'x'");
  return *value;
}

Padding TextReader::padding() {
  if (accept("same")) return Padding::same();
  if (accept("valid")) return Padding::valid();
  const Extents both = extents("'same', 'valid' or the padding", 0);
  return Padding::sides(both, both);
}

void TextReader::options(const std::vector<Option>& known) {
  std::vector<std::string_view> given;
  while (!at_layer_end()) {
    const size_t place = at_;
    const std::string word = normalized(peek());
    const auto option = std::ranges::find(known, word, &Option::first);
    if (option == known.end()) {
      std::vector<std::string> names;
      for (const Option& each : known) names.emplace_back(each.first);
      fail(fmt::format("expected an option or ',' before the next layer{}", did_you_mean(word, names)));
    }
    if (std::ranges::find(given, option->first) != given.end()) fail(place, "the option is given twice");
    given.push_back(option->first);
    take();
    option->second();
  }
}

std::string TextReader::position(size_t place) const {
  const std::string_view before = text_.substr(0, place);
  const auto line = std::ranges::count(before, '\n') + 1;
  const size_t column = place - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
  const std::string where = fmt::format("column {}, {}: ", column, quoted(word_at(place)));
  return text_.find('\n') == std::string_view::npos ? where : fmt::format("line {}, {}", line, where);
}

void TextReader::fail(size_t place, const std::string& message) const {
  const std::string form = usage_.empty() ? "" : fmt::format("; the form is: {}", usage_);
  throw Error(ErrorKind::usage, position(place) + message + form);
}

}  // namespace fovea
