#include <zlib.h>

#include <algorithm>

#include "fovea/error.h"
#include "fovea/image.h"

namespace {

// Any bytes are either a picture that to_channels and resize accept, or an Error(data).
void check(std::span<const uint8_t> bytes) {
  try {
    const fovea::Image image = fovea::decode_image(bytes, "fuzz");
    if (image.pixels.size() < 100'000) fovea::resize(fovea::to_channels(image, 4 - image.channels), 5, 7);
  } catch (const fovea::Error& error) {
    if (error.kind() != fovea::ErrorKind::data) __builtin_trap();
  }
}

// Gives every chunk of a PNG (length, type, data, check sum) the right check sum, which random changes never hit.
void repair_chunks(std::vector<uint8_t>& png) {
  const auto read = [&png](size_t at) {
    return (uint32_t{png[at]} << 24) | (uint32_t{png[at + 1]} << 16) | (uint32_t{png[at + 2]} << 8) | png[at + 3];
  };
  for (size_t at = 8; at + 12 <= png.size();) {
    const size_t length = read(at);
    if (length > png.size() - at - 12) break;
    const uLong sum = crc32(0, png.data() + at + 4, static_cast<uInt>(length + 4));
    for (size_t i = 0; i < 4; ++i) png[at + 8 + length + i] = static_cast<uint8_t>(sum >> (24 - 8 * i));
    at += 12 + length;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  check({data, size});
  std::vector<uint8_t> repaired(data, data + size);
  repair_chunks(repaired);
  if (!std::equal(data, data + size, repaired.begin())) check(repaired);
  return 0;
}
