#pragma once

#include <cstddef>
#include <span>

#include "fovea/dtype.h"
#include "fovea/tensor.h"

namespace fovea {

class MappedFile;

// decode() by all threads, a piece at a time; the memory of the pieces of a mapping (null for other bytes) is given
// back once they are read.
void decode_in_pieces(DType dtype, std::span<const std::byte> stored, std::span<float> values,
                      const MappedFile* mapping = nullptr);

// The same as a tensor; float32 elements of a mapping are not copied where Tensor::map() can do without.
// Throws Error(usage) unless stored.size() == shape.elements() * item_size(dtype).
Tensor decode_tensor(DType dtype, const Shape& shape, std::span<const std::byte> stored, const MappedFile* mapping);

}  // namespace fovea
