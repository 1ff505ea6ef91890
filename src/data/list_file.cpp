#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <system_error>

#include "core/file.h"
#include "core/text.h"
#include "data/csv.h"
#include "data/packed.h"
#include "data/picture_files.h"
#include "fovea/data_sources.h"
#include "fovea/error.h"

namespace fovea {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t max_list_bytes = uint64_t{1} << 30;
constexpr int64_t max_classes = 1'000'000;

struct Line {
  std::string path, label;
  int64_t number;
};

std::optional<int64_t> class_number(const std::string& text) {
  int64_t value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size() && value >= 0 && value < max_classes;
  return whole ? std::optional(value) : std::nullopt;
}

bool is_heading(const std::vector<std::string>& fields) {
  static constexpr std::array names = {"file", "filename", "path", "image", "picture"};
  std::string first = fields.front();
  for (char& c : first) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return std::find(names.begin(), names.end(), first) != names.end();
}

std::vector<Line> read_lines(CsvReader& reader) {
  std::vector<Line> lines;
  std::vector<std::string> fields;
  while (reader.next(fields)) {
    if (lines.empty() && is_heading(fields)) continue;
    if (fields.size() < 2 || fields[0].empty() || fields[1].empty()) {
      reader.fail("a line holds the path of a picture, a comma or tab, and its class");
    }
    lines.push_back({std::move(fields[0]), std::move(fields[1]), reader.line()});
  }
  return lines;
}

// The lines of the first of these files that is there.
std::vector<std::string> names_beside(const fs::path& list) {
  for (const char* name : {"classes.txt", "synset_words.txt"}) {
    std::ifstream file(list.parent_path() / name);
    std::vector<std::string> names;
    for (std::string line; std::getline(file, line);) {
      if (!line.empty() && line.back() == '\r') line.pop_back();
      if (!line.empty()) names.push_back(printable(line));
    }
    if (!names.empty()) return names;
  }
  return {};
}

// What the classes are called, if they do not have to be those of another part.
std::vector<std::string> name_classes(const std::vector<Line>& lines, const fs::path& list) {
  std::vector<std::string> given = names_beside(list);
  const std::set<std::string> known(given.begin(), given.end());
  const auto is_known = [&](const Line& line) { return known.contains(printable(line.label)); };
  if (std::all_of(lines.begin(), lines.end(), is_known)) return given;
  int64_t largest = -1;
  bool numbers = true;
  std::set<std::string> names;
  for (const Line& line : lines) {
    const std::optional<int64_t> number = class_number(line.label);
    numbers = numbers && number;
    largest = std::max(largest, number.value_or(-1));
    names.insert(line.label);
  }
  if (!numbers) {
    std::vector<std::string> sorted;
    for (const std::string& name : names) sorted.push_back(printable(name));
    return sorted;
  }
  return std::ssize(given) > largest ? given : numbered_classes(largest + 1);
}

int64_t label_of(const Line& line, const std::map<std::string, int64_t, std::less<>>& places, int64_t classes,
                 const fs::path& list) {
  if (const auto place = places.find(printable(line.label)); place != places.end()) return place->second;
  if (const std::optional<int64_t> number = class_number(line.label); number && *number < classes) return *number;
  throw Error(ErrorKind::data, fmt::format("{}, line {}: there is no class {} among the {} of the training part",
                                           printable(list), line.number, printable(line.label), classes));
}

fs::path find_picture(const fs::path& list, const std::string& name) {
  fs::path beside = list.parent_path() / name;
  std::error_code error;
  if (fs::exists(beside, error)) return beside;
  const fs::path within = list.parent_path() / list.stem() / name;
  return fs::exists(within, error) ? within : beside;
}

}  // namespace

std::shared_ptr<const Dataset> open_list(const fs::path& list, BadPictures on_bad_picture,
                                         const std::vector<std::string>& class_names) {
  const std::vector<std::byte> bytes = read_file(list, max_list_bytes);
  CsvReader reader({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, printable(list));
  const std::vector<Line> lines = read_lines(reader);
  if (lines.empty()) throw Error(ErrorKind::data, fmt::format("{} lists no pictures", printable(list)));
  PictureFiles pictures{.files = {},
                        .class_names = class_names.empty() ? name_classes(lines, list) : class_names,
                        .source = printable(list),
                        .on_bad_picture = on_bad_picture,
                        .every_class = false};
  std::map<std::string, int64_t, std::less<>> places;
  for (size_t i = 0; i < pictures.class_names.size(); ++i) {
    places.emplace(pictures.class_names[i], static_cast<int64_t>(i));
  }
  const auto classes = static_cast<int64_t>(pictures.class_names.size());
  for (const Line& line : lines) {
    pictures.files.push_back({find_picture(list, line.path), label_of(line, places, classes, list)});
  }
  return open_picture_files(std::move(pictures));
}

}  // namespace fovea
