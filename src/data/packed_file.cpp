#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/text.h"
#include "data/convert.h"
#include "data/packed.h"
#include "fovea/data_sources.h"
#include "fovea/error.h"
#include "fovea/parallel.h"
#include "fovea/safetensors.h"
#include "io/json.h"
#include "io/preprocessing_json.h"

namespace fovea {

namespace {

namespace fs = std::filesystem;

constexpr const char* classes_key = "fovea.classes";

// The pictures and labels of one part, as they go into the file.
struct Packed {
  Shape shape;
  std::vector<std::byte> pictures;
  std::vector<int64_t> labels;
};

void copy_picture(const Dataset& dataset, int64_t item, const PictureShape& shape, Resizer& resizer, std::byte* out) {
  Image image;
  dataset.read(item, image);
  if (image.channels != shape.channels) image = to_channels(image, shape.channels);
  if (image.height != shape.height || image.width != shape.width) {
    const auto [tall, wide] = shorter_side_extents(image.height, image.width, shape.height);
    Image cut;
    resizer.run(image, tall, wide, ResizeFilter::bilinear, center_region(tall, wide, shape.height, shape.width), cut);
    image = std::move(cut);
  }
  std::memcpy(out, image.pixels.data(), image.pixels.size());
}

Packed pack(const Dataset& dataset, int side) {
  PictureShape shape = dataset.picture_shape();
  if (side > 0) shape.height = shape.width = side;
  if (shape.height == 0 || shape.width == 0) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: the pictures differ in size: choose one with --side PIXELS", dataset.describe()));
  }
  const uint64_t size = uint64_t{1} * shape.height * shape.width * shape.channels;
  const uint64_t bytes = size * static_cast<uint64_t>(dataset.size());
  if (shape.height > max_picture_side || bytes > max_data_file_bytes) {
    throw Error(ErrorKind::usage, fmt::format("{} pictures of {}x{} would take {} bytes, more than {}", dataset.size(),
                                              shape.height, shape.width, bytes, max_data_file_bytes));
  }
  Packed packed{Shape{dataset.size(), shape.height, shape.width, shape.channels}, {}, {}};
  packed.pictures.resize(bytes);
  for (int64_t i = 0; i < dataset.size(); ++i) packed.labels.push_back(dataset.label(i));
  parallel_for(dataset.size(), 8, [&](int64_t begin, int64_t end) {
    Resizer resizer;
    for (int64_t i = begin; i < end; ++i) {
      copy_picture(dataset, i, shape, resizer, packed.pictures.data() + static_cast<uint64_t>(i) * size);
    }
  });
  return packed;
}

class MappedPictures final : public Dataset {
 public:
  MappedPictures(const SafetensorsFile& file, const std::string& part, std::vector<std::string> class_names,
                 std::string source)
      : file_(file), class_names_(std::move(class_names)), source_(std::move(source)) {
    const SafetensorsEntry& pictures = file_.entry(part + ".pictures");
    const SafetensorsEntry& labels = file_.entry(part + ".labels");
    const Shape& shape = pictures.shape;
    const auto side = [&](int axis) { return shape[axis] >= 1 && shape[axis] <= max_picture_side; };
    if (pictures.dtype != DType::u8 || shape.rank() != 4 || shape[0] < 1 || !side(1) || !side(2) ||
        (shape[3] != 1 && shape[3] != 3) || labels.dtype != DType::i64 || labels.shape != Shape{shape[0]}) {
      throw Error(ErrorKind::format,
                  fmt::format("{}: {} does not hold packed pictures and their labels", source_, part));
    }
    shape_ = {static_cast<int>(shape[1]), static_cast<int>(shape[2]), static_cast<int>(shape[3])};
    bytes_ = pictures.bytes;
    labels_.resize(static_cast<size_t>(shape[0]));
    std::memcpy(labels_.data(), labels.bytes.data(), labels.bytes.size());
    const auto bad = std::find_if(labels_.begin(), labels_.end(), [&](int64_t label) {
      return label < 0 || label >= static_cast<int64_t>(class_names_.size());
    });
    if (bad == labels_.end()) return;
    throw Error(ErrorKind::format,
                fmt::format("{}: label {} is out of range for {} classes", source_, *bad, class_names_.size()));
  }

  int64_t size() const override { return static_cast<int64_t>(labels_.size()); }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  int64_t label(int64_t item) const override { return labels_[static_cast<size_t>(item)]; }

  void read(int64_t item, Image& out) const override {
    const size_t size = bytes_.size() / labels_.size();
    const auto* begin = reinterpret_cast<const uint8_t*>(bytes_.data()) + static_cast<size_t>(item) * size;
    out.height = shape_.height;
    out.width = shape_.width;
    out.channels = shape_.channels;
    out.pixels.assign(begin, begin + size);
  }

  PictureShape picture_shape() const override { return shape_; }
  std::string item_name(int64_t item) const override { return fmt::format("item {} of {}", item, source_); }
  std::string describe() const override { return describe_dataset(*this, source_); }

 private:
  SafetensorsFile file_;  // keeps the mapping
  std::vector<std::string> class_names_;
  std::string source_;
  PictureShape shape_;
  std::span<const std::byte> bytes_;
  std::vector<int64_t> labels_;
};

}  // namespace

void write_packed(const fs::path& file, const DataSplits& splits, int side) {
  static_assert(std::endian::native == std::endian::little, "labels are written as they lie in memory");
  std::vector<std::pair<std::string, Packed>> parts;
  if (splits.train) parts.emplace_back("train", pack(*splits.train, side));
  if (splits.test) parts.emplace_back("test", pack(*splits.test, side));
  std::vector<SafetensorsEntry> entries;
  for (const auto& [name, part] : parts) {
    entries.push_back(
        {name + ".labels", DType::i64, Shape{std::ssize(part.labels)}, std::as_bytes(std::span(part.labels))});
  }
  for (const auto& [name, part] : parts) {
    entries.push_back({name + ".pictures", DType::u8, part.shape, part.pictures});
  }
  const nlohmann::json classes = splits.train->class_names();
  write_safetensors_entries(file, entries, {{classes_key, classes.dump()}});
}

DataSplits open_packed(const fs::path& path) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  const std::string source = printable(path);
  const auto classes = file.metadata().find(classes_key);
  if (classes == file.metadata().end()) {
    throw Error(ErrorKind::format, fmt::format("{} is no packed data set: its metadata lack '{}' ('fovea data pack' "
                                               "writes them)",
                                               source, classes_key));
  }
  const std::vector<std::string> names = class_names_from_json(parse_json(classes->second, source));
  DataSplits splits;
  splits.train = std::make_shared<MappedPictures>(file, "train", names, source);
  if (file.contains("test.pictures")) splits.test = std::make_shared<MappedPictures>(file, "test", names, source);
  return splits;
}

}  // namespace fovea
