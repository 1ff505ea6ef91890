#pragma once

#include <toml++/toml.h>

#include <string>
#include <string_view>

// Settings in TOML.
namespace fovea::cli {

// Throws Error(data) when the file cannot be read, Error(usage) naming the line that is no TOML.
toml::table parse_toml(const std::string& file);

// A value as it would stand on the command line. Throws Error(usage) naming file and key unless it is text, a number,
// true or false.
std::string as_argument(const std::string& file, std::string_view key, const toml::node& value);

}  // namespace fovea::cli
