#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <string_view>

#include "core/file.h"
#include "core/text.h"
#include "fovea/error.h"
#include "fovea/filter.h"

namespace fovea {

namespace {

constexpr uint64_t max_kernel_bytes = 4 << 20;

// The numbers of one line.
std::vector<float> read_row(std::string_view line, const std::string& where) {
  constexpr std::string_view between = " \t,\r";
  std::vector<float> row;
  line = line.substr(0, line.find('#'));
  for (size_t at = line.find_first_not_of(between); at != std::string_view::npos;
       at = line.find_first_not_of(between, at)) {
    const size_t end = std::min(line.find_first_of(between, at), line.size());
    const std::string_view word = line.substr(at, end - at);
    float value = 0;
    const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || rest != word.data() + word.size() || !std::isfinite(value)) {
      throw Error(ErrorKind::format, fmt::format("{}: '{}' is not a number", where, printable(word.substr(0, 40))));
    }
    row.push_back(value);
    at = end;
  }
  return row;
}

}  // namespace

FilterKernel read_kernel(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path, max_kernel_bytes);
  return parse_kernel({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, printable(path));
}

FilterKernel parse_kernel(std::string_view text, const std::string& source) {
  FilterKernel kernel;
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string where = fmt::format("{}, line {}", source, number);
    const std::vector<float> row = read_row(text.substr(0, end), where);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (row.empty()) continue;
    if (kernel.height > 0 && std::ssize(row) != kernel.width) {
      throw Error(ErrorKind::format,
                  fmt::format("{}: the rows of a filter must be equally long: expected {} numbers, got {}", where,
                              kernel.width, row.size()));
    }
    kernel.width = std::ssize(row);
    ++kernel.height;
    if (std::max(kernel.height, kernel.width) > max_filter_extent) {
      throw Error(ErrorKind::format,
                  fmt::format("{}: a filter has at most {} rows and columns", where, max_filter_extent));
    }
    kernel.weights.insert(kernel.weights.end(), row.begin(), row.end());
  }
  if (kernel.height == 0) {
    throw Error(ErrorKind::format, fmt::format("{}: no numbers; a filter is a row of numbers on each line", source));
  }
  return kernel;
}

}  // namespace fovea
