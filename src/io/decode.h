#pragma once

#include <cstddef>
#include <span>

#include "fovea/dtype.h"

namespace fovea {

class MappedFile;

// decode() by all threads, a piece at a time; the memory of the pieces of a mapping (null for other bytes) is given
// back once they are read.
void decode_in_pieces(DType dtype, std::span<const std::byte> stored, std::span<float> values,
                      const MappedFile* mapping = nullptr);

}  // namespace fovea
