#include "toml_file.h"

#include <fmt/format.h>

#include <sstream>

#include "fovea/error.h"

namespace fovea::cli {

toml::table parse_toml(const std::string& file) {
  try {
    return toml::parse_file(file);
  } catch (const toml::parse_error& error) {
    const auto line = error.source().begin.line;
    if (line == 0) throw Error(ErrorKind::data, fmt::format("cannot read {}: {}", file, error.description()));
    throw Error(ErrorKind::usage, fmt::format("{}, line {}: {}", file, line, error.description()));
  }
}

std::string as_argument(const std::string& file, std::string_view key, const toml::node& value) {
  if (const auto* text = value.as_string()) return text->get();
  if (value.is_boolean() || value.is_integer() || value.is_floating_point()) {
    std::ostringstream out;
    value.visit([&](const auto& element) {
      if constexpr (toml::is_value<decltype(element)>) out << element;
    });
    return out.str();
  }
  throw Error(ErrorKind::usage, fmt::format("{}: '{}' must be text, a number, true or false", file, key));
}

}  // namespace fovea::cli
