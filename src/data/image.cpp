#include "fovea/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/file.h"
#include "core/text.h"
#include "data/codec.h"
#include "data/convert.h"
#include "fovea/error.h"

namespace fovea {

namespace {

constexpr uint64_t max_picture_bytes = uint64_t{1} << 30;  // several times what max_picture_pixels can take

constexpr std::array<uint8_t, 8> png_signature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
constexpr std::array<uint8_t, 3> jpeg_signature = {0xFF, 0xD8, 0xFF};
constexpr std::array<uint8_t, 4> riff_signature = {'R', 'I', 'F', 'F'};
constexpr std::array<uint8_t, 4> webp_signature = {'W', 'E', 'B', 'P'};
constexpr std::array<uint8_t, 2> bmp_signature = {'B', 'M'};

template <size_t n>
bool starts_with(std::span<const uint8_t> bytes, const std::array<uint8_t, n>& signature) {
  return bytes.size() >= n && std::equal(signature.begin(), signature.end(), bytes.begin());
}

std::span<const uint8_t> samples_of(const std::vector<std::byte>& file) {
  return {reinterpret_cast<const uint8_t*>(file.data()), file.size()};
}

bool is_webp(std::span<const uint8_t> bytes) {
  return starts_with(bytes, riff_signature) && bytes.size() >= 12 && starts_with(bytes.subspan(8), webp_signature);
}

bool is_pnm(std::span<const uint8_t> bytes) {
  return bytes.size() >= 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6';
}

}  // namespace

void refuse_picture(std::string_view name, std::string_view reason) {
  throw Error(ErrorKind::data, fmt::format("{} is not a usable picture: {}", printable(name), printable(reason)));
}

void check_picture_size(std::string_view name, uint64_t height, uint64_t width) {
  if (height == 0 || width == 0) refuse_picture(name, fmt::format("it has {}x{} pixels", height, width));
  if (std::max(height, width) > max_picture_side || height * width > max_picture_pixels) {
    refuse_picture(name, fmt::format("it has {}x{} pixels, more than {} million or a side above {}", height, width,
                                     max_picture_pixels / 1'000'000, max_picture_side));
  }
}

void check_image(const Image& image) {
  const bool sane = image.height > 0 && image.width > 0 && (image.channels == 1 || image.channels == 3);
  if (sane && image.pixels.size() == uint64_t{1} * image.height * image.width * image.channels) return;
  throw Error(ErrorKind::usage,
              fmt::format("an image has at least one pixel, 1 or 3 channels and height * width * channels samples; got "
                          "{}x{}x{} and {} samples",
                          image.height, image.width, image.channels, image.pixels.size()));
}

Image decode_image(std::span<const uint8_t> bytes, std::string_view name, int enough) {
  if (bytes.empty()) refuse_picture(name, "it is empty");
  if (starts_with(bytes, png_signature)) return decode_png(bytes, name);
  if (starts_with(bytes, jpeg_signature)) return decode_jpeg(bytes, name, enough);
  if (is_webp(bytes)) return decode_webp(bytes, name);
  if (starts_with(bytes, bmp_signature)) return decode_bmp(bytes, name);
  if (is_pnm(bytes)) return decode_pnm(bytes, name);
  refuse_picture(name, "it is no JPEG, PNG, WebP, BMP or PNM file");
}

Image read_image(const std::filesystem::path& path, int enough) {
  const std::vector<std::byte> file = read_file(path, max_picture_bytes);
  return decode_image(samples_of(file), path.native(), enough);
}

PictureShape examine_picture(const std::filesystem::path& path) {
  const std::vector<std::byte> file = read_file(path, max_picture_bytes);
  const std::span<const uint8_t> bytes = samples_of(file);
  const Image image = decode_image(bytes, path.native(), 1);
  if (!starts_with(bytes, jpeg_signature)) return {image.height, image.width, image.channels};
  const auto [height, width] = jpeg_extents(bytes, path.native());
  return {height, width, image.channels};
}

void write_image(const std::filesystem::path& path, const Image& image) {
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  if (ending == ".png") return write_png(path, image);
  if (ending == ".jpg" || ending == ".jpeg") return write_jpeg(path, image);
  throw Error(ErrorKind::usage,
              fmt::format("the name of a picture to write must end in .png, .jpg or .jpeg, got {}", printable(path)));
}

void convert_channels(const Image& image, int channels, Image& out) {
  const size_t count = static_cast<size_t>(image.height) * static_cast<size_t>(image.width);
  out.height = image.height;
  out.width = image.width;
  out.channels = channels;
  out.pixels.resize(count * static_cast<size_t>(channels));
  const uint8_t* in = image.pixels.data();
  if (channels == 1) {
    for (size_t i = 0; i < count; ++i, in += 3) {
      out.pixels[i] = static_cast<uint8_t>((19595 * in[0] + 38470 * in[1] + 7471 * in[2] + 32768) >> 16);
    }
  } else {
    for (size_t i = 0; i < count; ++i) std::fill_n(out.pixels.data() + 3 * i, 3, in[i]);
  }
}

Image to_channels(const Image& image, int channels) {
  check_image(image);
  if (channels != 1 && channels != 3) {
    throw Error(ErrorKind::usage, fmt::format("an image has 1 or 3 channels, asked for {}", channels));
  }
  if (channels == image.channels) return image;
  Image out;
  convert_channels(image, channels, out);
  return out;
}

}  // namespace fovea
