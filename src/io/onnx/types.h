#pragma once

#include <cstdint>

#include "fovea/dtype.h"

namespace fovea {

// Element types. Throws Error(format) for those that Fovea has no use for: text, complex numbers, 4 and 8 bit floats.
DType dtype_of(int32_t onnx_type);
int32_t onnx_type_of(DType type);

}  // namespace fovea
