#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "core/file.h"
#include "core/text.h"
#include "data/codec.h"
#include "data/convert.h"
#include "data/gunzip.h"
#include "fovea/error.h"

namespace fovea {

namespace {

void on_error(png_structp png, png_const_charp message) {
  fail(*static_cast<LibraryFailure*>(png_get_error_ptr(png)), message);
}

void on_warning(png_structp, png_const_charp) {}  // libpng warns of chunks that do not affect the pixels

class PngReader {
 public:
  PngReader(std::span<const uint8_t> bytes, std::string_view name) : rest_(bytes), name_(name) {}
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  Image read() {
    const size_t file_size = rest_.size();
    check(guarded(failure_, [this] { read_header(); }));
    check_picture_size(name_, png_get_image_height(png_, info_), png_get_image_width(png_, info_));
    const uint64_t raw_size = uint64_t{png_get_rowbytes(png_, info_)} * png_get_image_height(png_, info_);
    if (raw_size / max_deflate_expansion > file_size)
      refuse_picture(name_, "the file is too short for its size in pixels");

    check(guarded(failure_, [this] { request_8_bit_grey_or_rgb(); }));
    Image image{.height = static_cast<int>(png_get_image_height(png_, info_)),
                .width = static_cast<int>(png_get_image_width(png_, info_)),
                .channels = png_get_channels(png_, info_),
                .pixels = {}};
    const size_t row_bytes = png_get_rowbytes(png_, info_);
    image.pixels.resize(row_bytes * static_cast<size_t>(image.height));
    check(guarded(failure_, [this, &image, row_bytes] { read_rows(image, row_bytes); }));
    orient(image, find_orientation());
    return image;
  }

 private:
  void check(bool succeeded) const {
    if (!succeeded) refuse_picture(name_, failure_.reason);
  }

  int find_orientation() const {
    png_uint_32 size = 0;
    png_bytep exif = nullptr;
    if (png_get_eXIf_1(png_, info_, &size, &exif) == 0) return 1;
    return exif_orientation({exif, size});
  }

  static void supply(png_structp png, png_bytep out, size_t count) {
    auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
    if (count > reader->rest_.size()) png_error(png, "the file is cut short");
    std::memcpy(out, reader->rest_.data(), count);
    reader->rest_ = reader->rest_.subspan(count);
  }

  void read_header() {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &failure_, on_error, on_warning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) fail(failure_, "out of memory");
    png_set_read_fn(png_, this, supply);
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);             // check_picture_size is clearer
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);  // texts, profiles, times, gamma
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_AS_DEFAULT, reinterpret_cast<png_const_bytep>("eXIf"), 1);
    png_read_info(png_, info_);
  }

  void request_8_bit_grey_or_rgb() {
    png_set_palette_to_rgb(png_);
    png_set_expand_gray_1_2_4_to_8(png_);
    png_set_scale_16(png_);
    png_set_strip_alpha(png_);
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
  }

  void read_rows(Image& image, size_t row_bytes) {
    for (int pass = 0; pass < passes_; ++pass) {
      for (int y = 0; y < image.height; ++y) {
        png_read_row(png_, image.pixels.data() + static_cast<size_t>(y) * row_bytes, nullptr);
      }
    }
    png_read_end(png_, nullptr);
  }

  std::span<const uint8_t> rest_;
  std::string_view name_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  int passes_ = 1;
  LibraryFailure failure_;
};

class PngWriter {
 public:
  PngWriter() = default;
  ~PngWriter() { png_destroy_write_struct(&png_, &info_); }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;

  // Returns false, with reason() set, when libpng fails.
  bool encode(const Image& image) {
    return guarded(failure_, [this, &image] {
      png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, &failure_, on_error, on_warning);
      if (png_ != nullptr) info_ = png_create_info_struct(png_);
      if (info_ == nullptr) fail(failure_, "out of memory");
      png_set_write_fn(png_, this, collect, [](png_structp) {});
      png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
      png_set_IHDR(png_, info_, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height), 8,
                   image.channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                   PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
      png_write_info(png_, info_);
      const size_t row_bytes = static_cast<size_t>(image.width) * static_cast<size_t>(image.channels);
      for (int y = 0; y < image.height; ++y) {
        png_write_row(png_, image.pixels.data() + static_cast<size_t>(y) * row_bytes);
      }
      png_write_end(png_, info_);
    });
  }

  const char* reason() const { return failure_.reason; }
  std::vector<std::byte> bytes() && { return std::move(bytes_); }

 private:
  // NOLINTNEXTLINE(readability-non-const-parameter): libpng's type
  static void collect(png_structp png, png_bytep data, size_t count) {
    bool stored = false;
    try {
      auto& bytes = static_cast<PngWriter*>(png_get_io_ptr(png))->bytes_;
      const auto* begin = reinterpret_cast<const std::byte*>(data);
      bytes.insert(bytes.end(), begin, begin + count);
      stored = true;
    } catch (const std::bad_alloc&) {  // must not cross libpng's frames
    }
    if (!stored) png_error(png, "out of memory");
  }

  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::vector<std::byte> bytes_;
  LibraryFailure failure_;
};

}  // namespace

Image decode_png(std::span<const uint8_t> bytes, std::string_view name) { return PngReader(bytes, name).read(); }

std::vector<std::byte> encode_png(const Image& image, std::string_view name) {
  check_image(image);
  PngWriter writer;
  if (!writer.encode(image)) {
    throw Error(ErrorKind::data, fmt::format("cannot write {}: {}", name, writer.reason()));
  }
  return std::move(writer).bytes();
}

void write_png(const std::filesystem::path& path, const Image& image) {
  write_file_atomically(path, encode_png(image, printable(path)));
}

}  // namespace fovea
