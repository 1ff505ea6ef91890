#pragma once

#include <fmt/format.h>

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/error.h"
#include "fovea/op.h"

namespace fovea {

// Reads an op's serialised options. Every getter throws Error(format) naming the attribute when it is missing or of
// another kind; finish() throws when attributes are left that nobody read.
class AttributeReader {
 public:
  explicit AttributeReader(const Attributes& attributes) : attributes_(attributes) {}

  int64_t integer(const std::string& name);
  double number(const std::string& name);
  bool boolean(const std::string& name);
  const std::string& text(const std::string& name);
  std::vector<int64_t> integers(const std::string& name);
  std::vector<int64_t> integers(const std::string& name, size_t count);
  std::vector<double> numbers(const std::string& name);
  void finish() const;

 private:
  const Attribute& get(const std::string& name);

  const Attributes& attributes_;
  std::set<std::string> read_;
};

// Options that are one of several words.
template <class E>
using Choices = std::span<const std::pair<std::string_view, E>>;

template <class E>
E read_choice(AttributeReader& attributes, const std::string& name, std::type_identity_t<Choices<E>> choices) {
  const std::string& given = attributes.text(name);
  std::string words;
  for (const auto& [word, value] : choices) {
    if (word == given) return value;
    words += fmt::format("{}'{}'", words.empty() ? "" : ", ", word);
  }
  throw Error(ErrorKind::format, fmt::format("attribute '{}' must be one of {}, got '{}'", name, words, given));
}

template <class E>
std::string choice_name(E value, std::type_identity_t<Choices<E>> choices) {
  for (const auto& [word, choice] : choices) {
    if (choice == value) return std::string(word);
  }
  return {};
}

}  // namespace fovea
