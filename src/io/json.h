#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace fovea {

// Parses one JSON text (RFC 8259) and nothing around it but white space. Beyond the grammar it refuses invalid UTF-8,
// an object that has a key twice, nesting deeper than 64 and more than 2^22 keys, values and brackets (which bounds the
// memory a hostile text can take). Error(format) opens with `source` and is one line.
nlohmann::json parse_json(std::string_view text, const std::string& source);

// `text` in double quotes, escaped and shortened so that a hostile name stays one short line in a message.
std::string quote_name(std::string_view text);

}  // namespace fovea
