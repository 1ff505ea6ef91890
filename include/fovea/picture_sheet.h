#pragma once

#include <string>
#include <vector>

#include "fovea/image.h"

namespace fovea {

struct SheetPicture {
  Image image{};
  std::vector<std::string> lines{};  // below it; from the second on in red
  std::string tooltip{};
};

// Pictures side by side, six to a row, as self-contained SVG. Throws Error(usage) for an image that is inconsistent.
std::string picture_sheet(const std::vector<SheetPicture>& pictures);

}  // namespace fovea
