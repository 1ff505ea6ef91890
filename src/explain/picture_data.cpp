#include "explain/picture_data.h"

#include <algorithm>
#include <cmath>

#include "core/base64.h"
#include "data/codec.h"

namespace fovea {

std::string data_address(const Image& image, int side) {
  const double factor = static_cast<double>(side) / std::max(image.height, image.width);
  if (factor >= 1) return "data:image/png;base64," + base64(encode_png(image, "a picture"));
  const auto scaled = [&](int extent) { return std::max(1, static_cast<int>(std::lround(factor * extent))); };
  return data_address(resize(image, scaled(image.height), scaled(image.width)), side);
}

}  // namespace fovea
