#include "fovea/libraries.h"

#include <fmt/format.h>
#include <zlib.h>

// jpeglib.h does not include what it needs.
#include <jpeglib.h>
#include <png.h>
#include <webp/decode.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#define FOVEA_TEXT_OF(x) #x
#define FOVEA_TEXT(x) FOVEA_TEXT_OF(x)

namespace fovea {

std::vector<std::pair<std::string, std::string>> library_versions() {
  const int webp = WebPGetDecoderVersion();
  return {{"Highway", FOVEA_HIGHWAY_VERSION},
          {"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
          {"nlohmann-json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                                        NLOHMANN_JSON_VERSION_PATCH)},
          {"zlib", zlibVersion()},
          {"libpng", png_get_libpng_ver(nullptr)},
          {"libjpeg-turbo", FOVEA_TEXT(LIBJPEG_TURBO_VERSION)},
          {"libwebp", fmt::format("{}.{}.{}", webp >> 16, webp >> 8 & 0xFF, webp & 0xFF)}};
}

}  // namespace fovea
