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

}  // namespace fovea
