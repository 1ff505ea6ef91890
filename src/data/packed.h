#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/data.h"

namespace fovea {

// Data files larger than this are refused: they are read into memory.
inline constexpr uint64_t max_data_file_bytes = uint64_t{16} << 30;

// Pictures of one shape, one after the other in memory.
struct PackedPictures {
  PictureShape shape;
  std::vector<std::byte> bytes;  // {N, height, width, channels} from `offset`
  size_t offset = 0;
  std::vector<uint8_t> labels;  // {N}
  std::vector<std::string> class_names;
  std::string source;  // for messages
};

std::shared_ptr<const Dataset> make_packed_dataset(PackedPictures pictures);

// The shape of all of them together, as Dataset::picture_shape gives it.
PictureShape common_shape(std::span<const PictureShape> shapes);

// "0" ... "<count - 1>".
std::vector<std::string> numbered_classes(int64_t count);

// Throws Error(data) naming the file, the position and the value of the first label that is not below `classes`.
void check_labels(std::span<const uint8_t> labels, size_t classes, const std::filesystem::path& file);

// "class a has" or "3 classes (a, b, c) have"; of many only the first few are named.
std::string name_classes(std::span<const std::string> names);

// "60000 pictures of 28x28x1 in 10 classes from <source>"; the shape is left out where the pictures differ.
std::string describe_dataset(const Dataset& dataset, std::string_view source);

}  // namespace fovea
