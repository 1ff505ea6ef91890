// Any bytes are either refused with Error(format) or give tensors that lie within them.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "fovea/error.h"
#include "fovea/safetensors.h"

namespace {

void check(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const auto file = fovea::SafetensorsFile::parse(bytes, "input");
    size_t covered = 0;
    for (const fovea::SafetensorsEntry& entry : file.entries()) {
      check(entry.bytes.data() >= bytes.data() && entry.bytes.size() <= size);
      check(entry.bytes.data() + entry.bytes.size() <= bytes.data() + size);
      check(&file.entry(entry.name) == &entry);
      check(file.read_f32(entry.name).shape() == entry.shape);
      covered += entry.bytes.size();
    }
    check(covered + sizeof(uint64_t) <= size);
  } catch (const fovea::Error& error) {
    check(error.kind() == fovea::ErrorKind::format);
  }
  return 0;
}
