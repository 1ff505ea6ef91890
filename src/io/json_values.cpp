#include "io/json_values.h"

#include <fmt/format.h>

#include "fovea/error.h"
#include "io/json.h"

namespace fovea {

using nlohmann::json;

namespace {

void expect(bool holds, const char* what, const json& value) {
  if (!holds) throw Error(ErrorKind::format, fmt::format("{} expected, got {}", what, quote_name(value.dump())));
}

}  // namespace

const json& json_member(const json& object, const char* key) {
  expect(object.is_object(), "a JSON object", object);
  const auto found = object.find(key);
  if (found == object.end()) throw Error(ErrorKind::format, fmt::format("'{}' is missing", key));
  return *found;
}

const json& json_array(const json& object, const char* key) {
  const json& list = json_member(object, key);
  expect(list.is_array(), fmt::format("a list of {}", key).c_str(), list);
  return list;
}

const std::string& json_text(const json& value) {
  expect(value.is_string(), "a text", value);
  return value.get_ref<const std::string&>();
}

int64_t json_integer(const json& value) {
  const bool fits = !value.is_number_unsigned() || value.get<uint64_t>() <= INT64_MAX;
  expect(value.is_number_integer() && fits, "a whole number", value);
  return value.get<int64_t>();
}

uint64_t json_unsigned(const json& value) {
  expect(value.is_number_unsigned(), "a whole number, not negative,", value);
  return value.get<uint64_t>();
}

double json_number(const json& value) {
  expect(value.is_number(), "a number", value);
  return value.get<double>();
}

std::vector<int64_t> json_integers(const json& list) {
  expect(list.is_array(), "a list of whole numbers", list);
  std::vector<int64_t> integers;
  for (const json& item : list) integers.push_back(json_integer(item));
  return integers;
}

}  // namespace fovea
