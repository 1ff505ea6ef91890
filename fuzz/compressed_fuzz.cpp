#include <zstd.h>

#include <vector>

#include "fovea/compress.h"
#include "fovea/error.h"

namespace {

void parse(std::span<const std::byte> bytes) {
  try {
    fovea::parse_compressed(bytes, "fuzz");
  } catch (const fovea::Error& error) {
    if (error.kind() != fovea::ErrorKind::format) __builtin_trap();
  }
}

}  // namespace

// Any bytes are either a compressed model or an Error(format), and so is any content in a sound frame.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  parse({bytes, size});
  std::vector<std::byte> frame(ZSTD_compressBound(size));
  const size_t length = ZSTD_compress(frame.data(), frame.size(), data, size, 1);
  if (ZSTD_isError(length) != 0) __builtin_trap();
  parse({frame.data(), length});
  return 0;
}
