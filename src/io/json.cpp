#include "io/json.h"

#include <fmt/format.h>

#include <set>
#include <vector>

#include "fovea/error.h"

namespace fovea {

namespace {

constexpr int max_depth = 64;

// nlohmann's parse_error: "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while
// parsing value - unexpected end of input; last read: '...'; expected ...". The part that says what is wrong.
std::string cause(const std::string& what) {
  size_t begin = what.find(": ");
  begin = begin == std::string::npos ? 0 : begin + 2;
  const size_t end = what.find("; last read", begin);
  return what.substr(begin, end == std::string::npos ? end : end - begin);
}

}  // namespace

std::string quote_name(std::string_view text) {
  constexpr size_t longest = 80;
  return fmt::format("{:?}{}", text.substr(0, longest), text.size() > longest ? "..." : "");
}

nlohmann::json parse_json(std::string_view text, const std::string& source) {
  using nlohmann::json;
  const auto refuse = [&](const std::string& why) { throw Error(ErrorKind::format, source + ": " + why); };
  // The parser takes a zero byte for the end of the text, and skips a byte order mark.
  if (const size_t zero = text.find('\0'); zero != std::string_view::npos) {
    refuse(fmt::format("invalid JSON at byte {}: zero byte", zero));
  }
  if (text.starts_with("\xEF\xBB\xBF")) refuse("invalid JSON at byte 0: byte order mark");

  std::vector<std::set<std::string>> open_objects;
  const auto check = [&](int depth, json::parse_event_t event, json& value) {
    switch (event) {
      case json::parse_event_t::object_start:
        open_objects.emplace_back();
        [[fallthrough]];
      case json::parse_event_t::array_start:
        if (depth >= max_depth) refuse(fmt::format("JSON is nested deeper than {}", max_depth));
        break;
      case json::parse_event_t::object_end:
        open_objects.pop_back();
        break;
      case json::parse_event_t::key: {
        const auto& key = value.get_ref<const std::string&>();
        if (!open_objects.back().insert(key).second) refuse(fmt::format("JSON has the key {} twice", quote_name(key)));
        break;
      }
      default:
        break;
    }
    return true;
  };
  try {
    return json::parse(text.begin(), text.end(), check);
  } catch (const json::parse_error& error) {
    refuse(fmt::format("invalid JSON at byte {}: {}", error.byte, cause(error.what())));
  } catch (const json::exception&) {
    refuse("invalid JSON: a number is out of range");
  }
  return {};
}

}  // namespace fovea
