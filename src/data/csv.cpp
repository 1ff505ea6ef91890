#include "data/csv.h"

#include <fmt/format.h>

#include "core/text.h"
#include "fovea/error.h"

namespace fovea {

namespace {

bool ends_field(char c) { return c == ',' || c == '\t' || c == '\n'; }

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\r'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

bool CsvReader::next(std::vector<std::string>& fields) {
  fields.clear();
  while (at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r')) lines_ += text_[at_++] == '\n' ? 1 : 0;
  if (at_ == text_.size()) return false;
  line_ = lines_;
  for (;;) {
    fields.push_back(field());
    if (at_ == text_.size()) return true;
    const char end = text_[at_++];
    if (end != '\n') continue;
    ++lines_;
    return true;
  }
}

// Up to the sign that ends it, which stays.
std::string CsvReader::field() {
  while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  if (at_ == text_.size() || text_[at_] != '"') {
    const size_t begin = at_;
    while (at_ < text_.size() && !ends_field(text_[at_])) ++at_;
    return std::string(trimmed(text_.substr(begin, at_ - begin)));
  }
  std::string value;
  for (++at_; at_ < text_.size(); ++at_) {
    if (text_[at_] == '"' && (at_ + 1 == text_.size() || text_[at_ + 1] != '"')) break;
    if (text_[at_] == '"') ++at_;
    if (text_[at_] == '\n') ++lines_;
    value += text_[at_];
  }
  if (at_ == text_.size()) fail("a quoted field does not end");
  ++at_;
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\r')) ++at_;
  if (at_ < text_.size() && !ends_field(text_[at_])) fail("something follows a quoted field");
  return value;
}

void CsvReader::fail(std::string_view problem) const {
  throw Error(ErrorKind::data, fmt::format("{}, line {}: {}", name_, line_, printable(problem)));
}

std::string csv_quoted(std::string_view field) {
  const bool plain = field.find_first_of(",\t\"\r\n") == std::string_view::npos && trimmed(field) == field;
  if (plain) return std::string(field);
  std::string quoted = "\"";
  for (const char c : field) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

}  // namespace fovea
