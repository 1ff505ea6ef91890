#include "data/idx.h"
#include "fovea/error.h"

// Any bytes are either an IDX array whose elements fill it exactly, or an Error(data).
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  try {
    const fovea::IdxArray array = fovea::parse_idx({bytes, bytes + size}, "fuzz");
    size_t elements = 1;
    for (const int64_t dim : array.dims) elements *= static_cast<size_t>(dim);
    if (elements != array.values().size()) __builtin_trap();
  } catch (const fovea::Error& error) {
    if (error.kind() != fovea::ErrorKind::data) __builtin_trap();
  }
  return 0;
}
