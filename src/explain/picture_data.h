#pragma once

#include <string>

#include "fovea/image.h"

namespace fovea {

// The picture as the address of itself, "data:image/png;base64,...", shrunk to at most `side` pixels on its longer
// side.
std::string data_address(const Image& image, int side);

}  // namespace fovea
