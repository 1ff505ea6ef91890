#include "graph/option_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace fovea {

namespace {

using Integers = std::vector<int64_t>;

// "3" for {3, 3}, "3x5" for {3, 5}.
std::string extents(const Integers& values) {
  const bool equal = std::ranges::adjacent_find(values, std::ranges::not_equal_to()) == values.end();
  return equal && !values.empty() ? fmt::format("{}", values.front()) : fmt::format("{}", fmt::join(values, "x"));
}

// {before, after} of each axis: "1", "1x2" or, where opposite sides differ, "0/1/0/1".
std::string padding_words(const Integers& sides) {
  Integers before;
  for (size_t i = 0; i < sides.size(); i += 2) {
    if (i + 1 == sides.size() || sides[i] != sides[i + 1]) return fmt::format("{}", fmt::join(sides, "/"));
    before.push_back(sides[i]);
  }
  return extents(before);
}

class Words {
 public:
  explicit Words(const Attributes& attributes) : attributes_(attributes) {}

  template <class T>
  const T* find(const std::string& name) const {
    const auto found = attributes_.find(name);
    return found == attributes_.end() ? nullptr : std::get_if<T>(&found->second);
  }
  // The value alone.
  template <class T>
  void plain(const std::string& name) {
    if (const T* value = find<T>(name)) add(fmt::format("{}", *value));
  }
  void flag(const std::string& name, bool shown, const char* word) {
    if (const bool* value = find<bool>(name); value && *value == shown) add(word);
  }
  // The word and the extents, unless all of these are the usual number.
  void numbers(const std::string& name, const char* word, int64_t usual) {
    const auto* value = find<Integers>(name);
    if (value && value->size() != static_cast<size_t>(std::ranges::count(*value, usual))) {
      add(fmt::format("{} {}", word, extents(*value)));
    }
  }
  void add(const std::string& word) { text_ += text_.empty() ? word : " " + word; }
  const std::string& text() const { return text_; }

 private:
  const Attributes& attributes_;
  std::string text_;
};

}  // namespace

std::string option_words(const Attributes& attributes) {
  Words words(attributes);
  words.plain<int64_t>("filters");
  words.plain<int64_t>("units");
  words.plain<double>("rate");
  words.plain<double>("alpha");
  if (const auto* output = words.find<Integers>("output")) words.add(fmt::format("{}", fmt::join(*output, "x")));
  const auto* const kernel = words.find<Integers>("kernel");
  if (kernel) words.add(fmt::format("{}", fmt::join(*kernel, "x")));
  const bool is_pool = kernel && !attributes.contains("filters");
  const auto* const stride = words.find<Integers>("stride");
  if (!is_pool) words.numbers("stride", "stride", 1);
  if (is_pool && stride && *stride != *kernel) words.add("stride " + extents(*stride));
  if (const auto* sides = words.find<Integers>("padding"); sides && padding_words(*sides) != "0") {
    words.add("pad " + padding_words(*sides));
  }
  words.flag("same", true, "pad same");
  words.numbers("output_padding", "outpad", 0);
  words.numbers("dilation", "dilation", 1);
  if (const auto* groups = words.find<int64_t>("groups"); groups && *groups != 1) {
    words.add(fmt::format("groups {}", *groups));
  }
  words.flag("bias", false, "nobias");
  words.flag("ceil_mode", true, "ceil");
  return words.text();
}

}  // namespace fovea
