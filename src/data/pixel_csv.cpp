#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>

#include "core/file.h"
#include "core/text.h"
#include "data/csv.h"
#include "data/packed.h"
#include "fovea/data_sources.h"
#include "fovea/error.h"

namespace fovea {

namespace {

namespace fs = std::filesystem;

// FER-2013 (Goodfellow et al. 2013, "Challenges in representation learning").
const std::vector<std::string> emotions = {"angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"};

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return text;
}

struct Columns {
  size_t label = 0, pixels = 0;
  std::optional<size_t> usage;
  bool emotion = false;
};

Columns read_heading(CsvReader& reader) {
  std::vector<std::string> fields;
  if (!reader.next(fields)) reader.fail("the file is empty");
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < fields.size(); ++i) places[lower(fields[i])] = i;
  Columns columns;
  columns.emotion = places.contains("emotion");
  const std::string label = columns.emotion ? "emotion" : "label";
  if (!places.contains(label) || !places.contains("pixels")) {
    reader.fail("the heading must name the columns 'emotion' or 'label' and 'pixels'");
  }
  columns.label = places[label];
  columns.pixels = places["pixels"];
  if (places.contains("usage")) columns.usage = places["usage"];
  return columns;
}

// Appends numbers of 0 to 255 and returns how many there were.
size_t append_pixels(const CsvReader& reader, const std::string& text, std::vector<std::byte>& bytes) {
  const char* at = text.data();
  const char* const end = at + text.size();
  size_t count = 0;
  for (;; ++count) {
    while (at != end && *at == ' ') ++at;
    if (at == end) return count;
    uint8_t value = 0;
    const auto [rest, error] = std::from_chars(at, end, value);
    if (error != std::errc() || (rest != end && *rest != ' ')) reader.fail("a pixel must be a number of 0 to 255");
    bytes.push_back(static_cast<std::byte>(value));
    at = rest;
  }
}

// The rows of one usage.
class Part {
 public:
  void add(const CsvReader& reader, const std::string& label, const std::string& pixels) {
    uint8_t value = 0;
    const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), value);
    if (error != std::errc() || end != label.data() + label.size()) {
      reader.fail(fmt::format("the label must be a number of 0 to 255, got '{}'", label));
    }
    const size_t count = append_pixels(reader, pixels, pictures_.bytes);
    const int side = static_cast<int>(std::lround(std::sqrt(static_cast<double>(count))));
    if (side < 1 || static_cast<size_t>(side) * static_cast<size_t>(side) != count || (side_ != 0 && side != side_)) {
      reader.fail(fmt::format("{} pixels are not a square picture{}", count,
                              side_ == 0 ? std::string() : fmt::format(" of {0}x{0} as before", side_)));
    }
    side_ = side;
    pictures_.labels.push_back(value);
  }

  bool empty() const { return pictures_.labels.empty(); }
  int largest_label() const {
    return empty() ? -1 : *std::max_element(pictures_.labels.begin(), pictures_.labels.end());
  }

  std::shared_ptr<const Dataset> finish(const std::vector<std::string>& class_names, const std::string& source) {
    if (empty()) return nullptr;
    pictures_.shape = {side_, side_, 1};
    pictures_.class_names = class_names;
    pictures_.source = source;
    return make_packed_dataset(std::move(pictures_));
  }

 private:
  PackedPictures pictures_;
  int side_ = 0;
};

}  // namespace

DataSplits open_pixel_csv(const fs::path& file) {
  const std::vector<std::byte> bytes = read_file(file, max_data_file_bytes);
  const std::string source = printable(file);
  CsvReader reader({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, source);
  const Columns columns = read_heading(reader);
  Part train;
  Part test;
  Part other;
  std::vector<std::string> fields;
  while (reader.next(fields)) {
    if (fields.size() <= std::max({columns.label, columns.pixels, columns.usage.value_or(0)})) {
      reader.fail("the row has fewer columns than the heading");
    }
    const std::string usage = columns.usage ? lower(fields[*columns.usage]) : "training";
    Part& part = usage == "training" ? train : usage == "privatetest" ? test : other;
    part.add(reader, fields[columns.label], fields[columns.pixels]);
  }
  if (train.empty()) throw Error(ErrorKind::data, fmt::format("{} has no rows for training", source));
  const int largest = std::max({train.largest_label(), test.largest_label(), other.largest_label()});
  const std::vector<std::string> names =
      columns.emotion && largest < std::ssize(emotions) ? emotions : numbered_classes(largest + 1);
  return {train.finish(names, source), (test.empty() ? other : test).finish(names, source)};
}

}  // namespace fovea
