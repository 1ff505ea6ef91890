// jpeglib.h needs what comes before it.
// clang-format off
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
// clang-format on

#include <fmt/format.h>

#include <cstdlib>

#include "core/file.h"
#include "core/text.h"
#include "data/codec.h"
#include "data/convert.h"
#include "fovea/error.h"

namespace fovea {

namespace {

[[noreturn]] void on_error(j_common_ptr info) {
  char message[JMSG_LENGTH_MAX];
  info->err->format_message(info, message);
  fail(*static_cast<LibraryFailure*>(info->client_data), message);
}

class JpegWriter {
 public:
  JpegWriter() {
    info_.err = jpeg_std_error(&errors_);
    info_.client_data = &failure_;
    errors_.error_exit = on_error;
  }
  ~JpegWriter() {
    jpeg_destroy_compress(&info_);
    std::free(bytes_);  // NOLINT(cppcoreguidelines-no-malloc): libjpeg's malloc
  }
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;

  // Returns false, with reason() set, when libjpeg fails.
  bool encode(const Image& image, int quality) {
    return guarded(failure_, [this, &image, quality] {
      jpeg_create_compress(&info_);
      jpeg_mem_dest(&info_, &bytes_, &size_);
      info_.image_width = static_cast<JDIMENSION>(image.width);
      info_.image_height = static_cast<JDIMENSION>(image.height);
      info_.input_components = image.channels;
      info_.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
      jpeg_set_defaults(&info_);
      jpeg_set_quality(&info_, quality, TRUE);
      jpeg_start_compress(&info_, TRUE);
      const size_t row_bytes = static_cast<size_t>(image.width) * static_cast<size_t>(image.channels);
      while (info_.next_scanline < info_.image_height) {
        // libjpeg reads from it, though its type is not const.
        auto* row = const_cast<JSAMPROW>(image.pixels.data() + info_.next_scanline * row_bytes);
        jpeg_write_scanlines(&info_, &row, 1);
      }
      jpeg_finish_compress(&info_);
    });
  }

  const char* reason() const { return failure_.reason; }
  std::span<const std::byte> bytes() const { return {reinterpret_cast<const std::byte*>(bytes_), size_}; }

 private:
  jpeg_compress_struct info_{};
  jpeg_error_mgr errors_{};
  unsigned char* bytes_ = nullptr;
  unsigned long size_ = 0;  // NOLINT(google-runtime-int): libjpeg's type
  LibraryFailure failure_;
};

}  // namespace

void write_jpeg(const std::filesystem::path& path, const Image& image, int quality) {
  check_image(image);
  if (quality < 1 || quality > 100) {
    throw Error(ErrorKind::usage, fmt::format("the quality of a JPEG is 1 to 100, got {}", quality));
  }
  JpegWriter writer;
  if (!writer.encode(image, quality)) {
    throw Error(ErrorKind::data, fmt::format("cannot write {}: {}", printable(path), writer.reason()));
  }
  write_file_atomically(path, writer.bytes());
}

}  // namespace fovea
