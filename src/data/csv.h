#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

// Lines of fields between commas or tabs, quoted as RFC 4180 says; read one at a time. Empty lines are left out.
class CsvReader {
 public:
  // `name` is for messages; the text must outlive the object.
  CsvReader(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {}

  // False at the end. Fields are without spaces around them.
  bool next(std::vector<std::string>& fields);
  int64_t line() const { return line_; }  // of the last row, from 1
  // Throws Error(data) with the file's name and the line.
  [[noreturn]] void fail(std::string_view problem) const;

 private:
  std::string field();

  std::string_view text_;
  std::string name_;
  size_t at_ = 0;
  int64_t line_ = 0;
  int64_t lines_ = 1;  // begun so far
};

// A field as it must be written for CsvReader to read it back.
std::string csv_quoted(std::string_view field);

}  // namespace fovea
