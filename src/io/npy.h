#pragma once

#include <string>

#include "fovea/dtype.h"
#include "fovea/shape.h"

namespace fovea {

// What precedes the row-major elements in an .npy file of version 1.0. There is none for bf16.
std::string npy_header(DType dtype, const Shape& shape);

}  // namespace fovea
