#include "data/idx.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>

#include "core/file.h"
#include "core/text.h"
#include "data/codec.h"
#include "data/gunzip.h"
#include "data/packed.h"
#include "fovea/error.h"

namespace fovea {

namespace {

constexpr int max_rank = 4;
constexpr size_t max_header = 4 + 4 * max_rank;
constexpr int unsigned_bytes = 0x08;

struct Header {
  std::vector<int64_t> dims;
  size_t size = 0;        // bytes of the header itself
  uint64_t elements = 0;  // saturates
};

[[noreturn]] void refuse(std::string_view name, const std::string& why) {
  throw Error(ErrorKind::data, fmt::format("{} {}", printable(name), why));
}

// `start` holds the first max_header bytes of the file, or all of a shorter one.
Header parse_header(std::span<const std::byte> start, std::string_view name) {
  const auto byte = [&](size_t i) { return std::to_integer<uint32_t>(start[i]); };
  if (start.size() < 4) refuse(name, fmt::format("is cut short: an IDX file has a header, got {} bytes", start.size()));
  const uint32_t rank = byte(3);
  if (byte(0) != 0 || byte(1) != 0 || rank < 1 || rank > max_rank) {
    refuse(name, fmt::format("is not an IDX file: its magic number is 0x{:02x}{:02x}{:02x}{:02x}, expected 0x0000080n "
                             "with n of 1 to {} dimensions",
                             byte(0), byte(1), byte(2), byte(3), max_rank));
  }
  if (byte(2) != unsigned_bytes) {
    refuse(name, fmt::format("holds IDX elements of type 0x{:02x}; only unsigned bytes (0x08) are read", byte(2)));
  }
  Header header;
  header.size = 4 + 4 * rank;
  if (start.size() < header.size) refuse(name, "is cut short within its header");
  header.elements = 1;
  for (size_t i = 4; i < header.size; i += 4) {
    const uint64_t extent = (byte(i) << 24U) | (byte(i + 1) << 16U) | (byte(i + 2) << 8U) | byte(i + 3);
    const bool overflows = extent > 0 && header.elements > std::numeric_limits<uint64_t>::max() / extent;
    header.elements = overflows ? std::numeric_limits<uint64_t>::max() : header.elements * extent;
    header.dims.push_back(static_cast<int64_t>(extent));
  }
  if (header.elements == 0) refuse(name, fmt::format("has no items: its shape is {}", fmt::join(header.dims, "x")));
  return header;
}

[[noreturn]] void refuse_size(const Header& header, std::string_view name, std::string_view got) {
  refuse(name,
         fmt::format("{}: its header promises {} bytes of {}", got, header.elements, fmt::join(header.dims, "x")));
}

IdxArray parse_raw(std::vector<std::byte> file, std::string_view name) {
  Header header = parse_header(std::span(file).first(std::min(file.size(), max_header)), name);
  const uint64_t held = file.size() - header.size;
  if (held < header.elements) refuse_size(header, name, fmt::format("is cut short after {} bytes", held));
  if (held > header.elements) refuse_size(header, name, fmt::format("is too long, {} bytes", held));
  return {std::move(header.dims), std::move(file), header.size};
}

IdxArray parse_gzip(std::span<const std::byte> file, std::string_view name) {
  Gunzip gunzip(file, name);
  std::array<std::byte, max_header> start{};
  const size_t started = gunzip.read(start);
  Header header = parse_header(std::span(start).first(started), name);
  if (header.elements / max_deflate_expansion > file.size() || header.elements > max_data_file_bytes) {
    refuse_size(header, name, fmt::format("is too short with {} bytes of gzip data", file.size()));
  }
  // One byte more than promised, to notice what is left over.
  std::vector<std::byte> elements(static_cast<size_t>(header.elements) + 1);
  const size_t early = std::min(started - header.size, elements.size());
  std::copy_n(start.data() + header.size, early, elements.data());
  const size_t held = early + gunzip.read(std::span(elements).subspan(early));
  if (held < header.elements) refuse_size(header, name, fmt::format("is cut short after {} bytes", held));
  if (held > header.elements) refuse_size(header, name, "is too long");
  elements.pop_back();
  return {std::move(header.dims), std::move(elements), 0};
}

IdxArray read_idx(const std::filesystem::path& path) {
  return parse_idx(read_file(path, max_data_file_bytes), path.native());
}

PictureShape picture_shape(const IdxArray& images, std::string_view name) {
  const auto& dims = images.dims;
  const int64_t channels = dims.size() == 4 ? dims[3] : 1;
  if (dims.size() < 3 || (channels != 1 && channels != 3)) {
    refuse(name, fmt::format("has shape {}; pictures are {{N, H, W}} or {{N, H, W, C}} with 1 or 3 channels",
                             fmt::join(dims, "x")));
  }
  check_picture_size(name, static_cast<uint64_t>(dims[1]), static_cast<uint64_t>(dims[2]));
  return {static_cast<int>(dims[1]), static_cast<int>(dims[2]), static_cast<int>(channels)};
}

}  // namespace

IdxArray parse_idx(std::vector<std::byte> file, std::string_view name) {
  const bool gzip = file.size() >= 2 && file[0] == std::byte{0x1F} && file[1] == std::byte{0x8B};
  return gzip ? parse_gzip(file, name) : parse_raw(std::move(file), name);
}

std::shared_ptr<const Dataset> open_idx(const std::filesystem::path& images_path,
                                        const std::filesystem::path& labels_path,
                                        std::vector<std::string> class_names) {
  IdxArray images = read_idx(images_path);
  const PictureShape shape = picture_shape(images, images_path.native());
  const IdxArray labels = read_idx(labels_path);
  if (labels.dims.size() != 1) {
    refuse(labels_path.native(), fmt::format("has shape {}; labels have one dimension", fmt::join(labels.dims, "x")));
  }
  if (labels.dims[0] != images.dims[0]) {
    refuse(labels_path.native(), fmt::format("has {} labels for the {} pictures of {}", labels.dims[0], images.dims[0],
                                             printable(images_path)));
  }
  const auto values = labels.values();
  if (class_names.empty()) class_names = numbered_classes(*std::max_element(values.begin(), values.end()) + 1);
  check_labels(values, class_names.size(), labels_path);
  return make_packed_dataset({shape,
                              std::move(images.bytes),
                              images.offset,
                              {values.begin(), values.end()},
                              std::move(class_names),
                              printable(images_path)});
}

}  // namespace fovea
