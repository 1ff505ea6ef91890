#include <webp/decode.h>

#include "data/codec.h"

namespace fovea {

namespace {

const char* reason_of(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return "out of memory";
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "the WebP data are cut short";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "it uses a feature of WebP that libwebp does not know";
    default:
      return "the WebP data are corrupt";
  }
}

}  // namespace

Image decode_webp(std::span<const uint8_t> bytes, std::string_view name) {
  WebPBitstreamFeatures features{};
  const VP8StatusCode status = WebPGetFeatures(bytes.data(), bytes.size(), &features);
  if (status != VP8_STATUS_OK) refuse_picture(name, reason_of(status));
  if (features.has_animation != 0) refuse_picture(name, "it is an animation");
  check_picture_size(name, static_cast<uint64_t>(features.height), static_cast<uint64_t>(features.width));
  Image image{.height = features.height, .width = features.width, .channels = 3, .pixels = {}};
  const int row_bytes = 3 * image.width;
  image.pixels.resize(static_cast<size_t>(row_bytes) * static_cast<size_t>(image.height));
  if (WebPDecodeRGBInto(bytes.data(), bytes.size(), image.pixels.data(), image.pixels.size(), row_bytes) == nullptr) {
    refuse_picture(name, "the WebP data are corrupt or cut short");
  }
  return image;
}

}  // namespace fovea
