#include "ops/attributes.h"

#include <fmt/format.h>

#include <cmath>

#include "fovea/error.h"

namespace fovea {

namespace {

template <class T>
const T& expect(const Attribute& attribute, const std::string& name, std::string_view kind) {
  if (const T* value = std::get_if<T>(&attribute)) return *value;
  throw Error(ErrorKind::format, fmt::format("attribute '{}' must be {}", name, kind));
}

}  // namespace

const Attribute& AttributeReader::get(const std::string& name) {
  const auto found = attributes_.find(name);
  if (found == attributes_.end()) throw Error(ErrorKind::format, fmt::format("attribute '{}' is missing", name));
  read_.insert(name);
  return found->second;
}

int64_t AttributeReader::integer(const std::string& name) { return expect<int64_t>(get(name), name, "a whole number"); }

double AttributeReader::number(const std::string& name) {
  const Attribute& attribute = get(name);
  if (const auto* whole = std::get_if<int64_t>(&attribute)) return static_cast<double>(*whole);
  const auto value = expect<double>(attribute, name, "a number");
  if (!std::isfinite(value)) throw Error(ErrorKind::format, fmt::format("attribute '{}' must be finite", name));
  return value;
}

bool AttributeReader::boolean(const std::string& name) { return expect<bool>(get(name), name, "true or false"); }

const std::string& AttributeReader::text(const std::string& name) {
  return expect<std::string>(get(name), name, "a word");
}

std::vector<int64_t> AttributeReader::integers(const std::string& name) {
  return expect<std::vector<int64_t>>(get(name), name, "a list of whole numbers");
}

std::vector<int64_t> AttributeReader::integers(const std::string& name, size_t count) {
  std::vector<int64_t> values = integers(name);
  if (values.size() != count) {
    throw Error(ErrorKind::format, fmt::format("attribute '{}' needs {} numbers, got {}", name, count, values.size()));
  }
  return values;
}

std::vector<double> AttributeReader::numbers(const std::string& name) {
  const Attribute& attribute = get(name);
  if (const auto* whole = std::get_if<std::vector<int64_t>>(&attribute)) return {whole->begin(), whole->end()};
  return expect<std::vector<double>>(attribute, name, "a list of numbers");
}

void AttributeReader::finish() const {
  for (const auto& [name, value] : attributes_) {
    if (!read_.contains(name)) throw Error(ErrorKind::format, fmt::format("unknown attribute '{}'", name));
  }
}

}  // namespace fovea
