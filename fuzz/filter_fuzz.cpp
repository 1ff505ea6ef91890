// Filters as text: any bytes must end in a kernel of as many weights as its extents say, or in an Error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "fovea/error.h"
#include "fovea/filter.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const fovea::FilterKernel kernel = fovea::parse_kernel({reinterpret_cast<const char*>(data), size}, "fuzz");
    if (std::ssize(kernel.weights) != kernel.height * kernel.width) std::abort();
  } catch (const fovea::Error&) {  // NOLINT(bugprone-empty-catch): the only exception there may be
  }
  return 0;
}
