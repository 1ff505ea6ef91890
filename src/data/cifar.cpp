#include <fmt/format.h>

#include <fstream>

#include "core/file.h"
#include "core/text.h"
#include "data/packed.h"
#include "fovea/data.h"
#include "fovea/error.h"

// Krizhevsky 2009, "Learning multiple layers of features from tiny images"; the binary version of the files.
namespace fovea {

namespace {

namespace fs = std::filesystem;

constexpr size_t side = 32;
constexpr size_t plane = side * side;
constexpr size_t picture = 3 * plane;

// One name per line; empty when there is no such file or it does not hold `classes` names.
std::vector<std::string> read_class_names(const fs::path& path, size_t classes) {
  std::ifstream file(path);
  std::vector<std::string> names;
  for (std::string line; names.size() <= classes && std::getline(file, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) names.push_back(printable(line));
  }
  if (names.size() != classes) names.clear();
  return names;
}

std::vector<std::string> class_names(const fs::path& folder, int classes) {
  auto names = read_class_names(folder / (classes == 10 ? "batches.meta.txt" : "fine_label_names.txt"),
                                static_cast<size_t>(classes));
  if (!names.empty()) return names;
  if (classes == 100) return numbered_classes(100);
  return {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
}

// From a red, a green and a blue plane to pixels.
void interleave(const std::byte* planes, std::byte* pixels) {
  for (size_t i = 0; i < plane; ++i) {
    for (size_t c = 0; c < 3; ++c) pixels[3 * i + c] = planes[c * plane + i];
  }
}

void append_file(const fs::path& path, int classes, PackedPictures& all) {
  const std::vector<std::byte> file = read_file(path, max_data_file_bytes);
  const size_t label_bytes = classes == 10 ? 1 : 2;
  const size_t record = label_bytes + picture;
  if (file.empty() || file.size() % record != 0) {
    throw Error(ErrorKind::data, fmt::format("{} is not a CIFAR-{} file: it has {} bytes, expected a multiple of {}",
                                             printable(path), classes, file.size(), record));
  }
  const size_t count = file.size() / record;
  const size_t before = all.labels.size();
  all.labels.reserve(before + count);
  all.bytes.resize((before + count) * picture);
  for (size_t i = 0; i < count; ++i) {
    const std::byte* entry = file.data() + i * record;
    all.labels.push_back(std::to_integer<uint8_t>(entry[label_bytes - 1]));
    interleave(entry + label_bytes, all.bytes.data() + (before + i) * picture);
  }
  check_labels(std::span(all.labels).subspan(before), static_cast<size_t>(classes), path);
}

}  // namespace

std::shared_ptr<const Dataset> open_cifar(const std::vector<fs::path>& files, int classes) {
  if (classes != 10 && classes != 100) {
    throw Error(ErrorKind::usage, fmt::format("CIFAR has 10 or 100 classes, asked for {}", classes));
  }
  if (files.empty()) throw Error(ErrorKind::usage, fmt::format("no CIFAR-{} file was given", classes));
  const fs::path folder = files[0].parent_path();
  PackedPictures all{.shape = {side, side, 3},
                     .bytes = {},
                     .offset = 0,
                     .labels = {},
                     .class_names = class_names(folder, classes),
                     .source = printable(files[0])};
  if (files.size() > 1) all.source += fmt::format(" and {} more", files.size() - 1);
  for (const fs::path& file : files) append_file(file, classes, all);
  return make_packed_dataset(std::move(all));
}

}  // namespace fovea
