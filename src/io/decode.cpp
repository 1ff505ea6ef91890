#include "io/decode.h"

#include "core/file.h"
#include "fovea/parallel.h"

namespace fovea {

void decode_in_pieces(DType dtype, std::span<const std::byte> stored, std::span<float> values,
                      const MappedFile* mapping) {
  const size_t size = item_size(dtype);
  if (stored.size() != values.size() * size) return decode(dtype, stored, values);  // refuses
  constexpr int64_t elements_per_piece = 1 << 20;
  parallel_for(std::ssize(values), elements_per_piece, [&](int64_t begin, int64_t end) {
    const auto first = static_cast<size_t>(begin), count = static_cast<size_t>(end - begin);
    const auto bytes = stored.subspan(first * size, count * size);
    decode(dtype, bytes, values.subspan(first, count));
    if (mapping != nullptr) mapping->release(bytes);
  });
}

Tensor decode_tensor(DType dtype, const Shape& shape, std::span<const std::byte> stored, const MappedFile* mapping) {
  const bool is_whole = stored.size() == static_cast<size_t>(shape.elements()) * sizeof(float);
  if (mapping != nullptr && dtype == DType::f32 && is_whole) {
    if (auto tensor = mapping->tensor(shape, stored)) return *std::move(tensor);
  }
  Tensor tensor(shape);
  decode_in_pieces(dtype, stored, tensor.values(), mapping);
  return tensor;
}

}  // namespace fovea
