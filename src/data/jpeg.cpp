// jpeglib.h needs what comes before it, and jerror.h needs jpeglib.h.
// clang-format off
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <algorithm>
#include <array>

#include "data/codec.h"

namespace fovea {

namespace {

constexpr int exif_marker = JPEG_APP0 + 1;

constexpr int max_scans = 100;  // a progressive picture has about ten; thousands only serve to keep the decoder busy

LibraryFailure& failure_of(j_common_ptr info) { return *static_cast<LibraryFailure*>(info->client_data); }

[[noreturn]] void on_error(j_common_ptr info) {
  char message[JMSG_LENGTH_MAX];
  info->err->format_message(info, message);
  fail(failure_of(info), message);
}

// libjpeg carries on with grey after damage, which would train on garbage. Only the warnings about things that leave
// every pixel intact are ignored.
void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;  // trace messages
  switch (info->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_NOT_SEQUENTIAL:
      return;
    default:
      on_error(info);
  }
}

void on_progress(j_common_ptr info) {
  const auto* decompressor = reinterpret_cast<const jpeg_decompress_struct*>(info);
  if (decompressor->input_scan_number > max_scans) fail(failure_of(info), "it has too many scans");
}

// a * b / 255, rounded.
uint8_t multiply(int a, int b) {
  const int product = a * b + 128;
  return static_cast<uint8_t>((product + (product >> 8)) >> 8);
}

// Four inks to red, green, blue without a profile, in place. The samples are 255 - ink, Adobe's convention, which is
// the one in use.
void cmyk_to_rgb(std::vector<uint8_t>& pixels) {
  const size_t count = pixels.size() / 4;
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* light = pixels.data() + 4 * i;
    const int white = light[3];
    const uint8_t rgb[3] = {multiply(light[0], white), multiply(light[1], white), multiply(light[2], white)};
    std::copy_n(rgb, 3, pixels.data() + 3 * i);
  }
  pixels.resize(3 * count);
}

class JpegReader {
 public:
  JpegReader(std::span<const uint8_t> bytes, std::string_view name) : bytes_(bytes), name_(name) {
    info_.err = jpeg_std_error(&errors_);
    info_.client_data = &failure_;
    errors_.error_exit = on_error;
    errors_.emit_message = on_message;
    progress_.progress_monitor = on_progress;
  }
  ~JpegReader() { jpeg_destroy_decompress(&info_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  std::array<int, 2> extents() {
    read_header();
    const auto height = static_cast<int>(info_.image_height);
    const auto width = static_cast<int>(info_.image_width);
    return find_orientation() >= 5 ? std::array{width, height} : std::array{height, width};
  }

  Image read(int enough) {
    read_header();
    const int orientation = find_orientation();
    info_.scale_num = 1;
    info_.scale_denom = reduction(enough);
    check(guarded(failure_, [this] {
      const bool inks = info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK;
      const bool grey = info_.jpeg_color_space == JCS_GRAYSCALE;
      info_.out_color_space = inks ? JCS_CMYK : grey ? JCS_GRAYSCALE : JCS_RGB;
      jpeg_start_decompress(&info_);
    }));
    Image image{.height = static_cast<int>(info_.output_height),
                .width = static_cast<int>(info_.output_width),
                .channels = info_.output_components,
                .pixels = {}};
    const size_t row_bytes = static_cast<size_t>(image.width) * static_cast<size_t>(image.channels);
    image.pixels.resize(row_bytes * static_cast<size_t>(image.height));
    check(guarded(failure_, [this, &image, row_bytes] {
      while (info_.output_scanline < info_.output_height) {
        JSAMPROW row = image.pixels.data() + info_.output_scanline * row_bytes;
        jpeg_read_scanlines(&info_, &row, 1);
      }
      jpeg_finish_decompress(&info_);
    }));
    if (image.channels == 4) {
      cmyk_to_rgb(image.pixels);
      image.channels = 3;
    }
    orient(image, orientation);
    return image;
  }

 private:
  void check(bool succeeded) const {
    if (!succeeded) refuse_picture(name_, failure_.reason);
  }

  void read_header() {
    check(guarded(failure_, [this] {
      jpeg_create_decompress(&info_);
      info_.progress = &progress_;
      jpeg_save_markers(&info_, exif_marker, 0xFFFF);
      jpeg_mem_src(&info_, bytes_.data(), bytes_.size());
      jpeg_read_header(&info_, TRUE);
    }));
    check_picture_size(name_, info_.image_height, info_.image_width);
  }

  int find_orientation() const {
    constexpr std::array<uint8_t, 6> signature = {'E', 'x', 'i', 'f', 0, 0};
    for (const jpeg_marker_struct* marker = info_.marker_list; marker != nullptr; marker = marker->next) {
      const std::span data(marker->data, marker->data_length);
      if (data.size() < signature.size() || !std::equal(signature.begin(), signature.end(), data.begin())) continue;
      return exif_orientation(data.subspan(signature.size()));
    }
    return 1;
  }

  // By how much both sides can be divided and still have `enough` pixels.
  unsigned reduction(int enough) const {
    const auto shorter = static_cast<int64_t>(std::min(info_.image_height, info_.image_width));
    unsigned by = 1;
    while (enough > 0 && by < 8 && shorter >= int64_t{enough} * by * 2) by *= 2;
    return by;
  }

  std::span<const uint8_t> bytes_;
  std::string_view name_;
  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  LibraryFailure failure_;
};

}  // namespace

std::array<int, 2> jpeg_extents(std::span<const uint8_t> bytes, std::string_view name) {
  return JpegReader(bytes, name).extents();
}

Image decode_jpeg(std::span<const uint8_t> bytes, std::string_view name, int enough) {
  return JpegReader(bytes, name).read(enough);
}

}  // namespace fovea
