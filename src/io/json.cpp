#include "io/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "fovea/error.h"

namespace fovea {

namespace {

constexpr size_t max_depth = 64;
constexpr int max_values = 1 << 22;  // a value may take 80 bytes of memory and 2 of text

using nlohmann::json;

// Builds the document from the parser's events. (json::parse with a callback could check the same, but after each
// object it walks over all its siblings: quadratic.)
class StrictBuilder : public nlohmann::json_sax<json> {
 public:
  explicit StrictBuilder(const std::string& source) : source_(source) {}

  json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t& value) override { return add(std::move(value)); }
  bool start_object(size_t) override { return open(json::object()); }
  bool start_array(size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    count();
    const auto [member, is_new] = open_.back()->get_ref<json::object_t&>().emplace(std::move(name), nullptr);
    if (!is_new) refuse(fmt::format("JSON has the key {} twice", quote_name(member->first)));
    member_ = &member->second;
    return true;
  }

  // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while parsing value - unexpected
  // end of input; last read: '...'; expected ...": the middle part says what is wrong.
  bool parse_error(size_t position, const std::string&, const json::exception& error) override {
    const std::string what = error.what();
    const size_t begin = what.find(": ");
    if (error.id != 101 || begin == std::string::npos) refuse("invalid JSON: a number is out of range");
    const size_t end = std::min(what.find("; last read"), what.size());
    refuse(fmt::format("invalid JSON at byte {}: {}", position, what.substr(begin + 2, end - begin - 2)));
  }

  [[noreturn]] void refuse(const std::string& why) const { throw Error(ErrorKind::format, source_ + ": " + why); }

 private:
  void count() {
    if (++values_ > max_values) refuse(fmt::format("JSON has more than {} values", max_values));
  }

  json* place(json value) {
    count();
    if (open_.empty()) return &(root_ = std::move(value));
    if (open_.back()->is_object()) return &(*member_ = std::move(value));
    return &open_.back()->emplace_back(std::move(value));
  }

  bool add(json value) {
    place(std::move(value));
    return true;
  }

  bool open(json container) {
    if (open_.size() >= max_depth) refuse(fmt::format("JSON is nested deeper than {}", max_depth));
    open_.push_back(place(std::move(container)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  const std::string& source_;
  json root_;
  std::vector<json*> open_;  // containers around the current place; each the last child of the one before it
  json* member_ = nullptr;   // where the value after a key goes
  int values_ = 0;
};

}  // namespace

std::string quote_name(std::string_view text) {
  constexpr size_t longest = 80;
  return fmt::format("{:?}{}", text.substr(0, longest), text.size() > longest ? "..." : "");
}

nlohmann::json parse_json(std::string_view text, const std::string& source) {
  StrictBuilder builder(source);
  // The parser takes a zero byte for the end of the text, and skips a byte order mark.
  if (const size_t zero = text.find('\0'); zero != std::string_view::npos) {
    builder.refuse(fmt::format("invalid JSON at byte {}: zero byte", zero));
  }
  if (text.starts_with("\xEF\xBB\xBF")) builder.refuse("invalid JSON at byte 0: byte order mark");
  json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

}  // namespace fovea
