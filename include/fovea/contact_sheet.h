#pragma once

#include <span>

#include "fovea/image.h"

namespace fovea {

// Many small pictures on one: rows of `columns` squares of side x side pixels with a gap between them, each picture
// resized to fit its square (enlarged without smoothing, so that pixels are seen as they are), centred on grey.
// Throws Error(usage) without pictures, for columns or side below 1, and when the sheet would be too big.
Image contact_sheet(std::span<const Image> pictures, int columns, int side);

}  // namespace fovea
