// Any bytes are either refused with Error(format) or give tensors whose elements can be read.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "fovea/error.h"
#include "fovea/tensor_file.h"

namespace {

void check(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const fovea::TensorFile file = fovea::parse_tensor_file(std::as_bytes(std::span(data, size)), "input");
    int64_t budget = 1 << 20;  // few bytes can repeat to many elements
    for (const fovea::StoredTensor& tensor : file.tensors) {
      budget -= tensor.shape.elements();
      if (budget < 0) break;
      const fovea::TensorStatistics statistics = fovea::measure(tensor);
      check(statistics.nans + statistics.infinities <= tensor.shape.elements());
      check(fovea::read_f32(tensor).shape() == tensor.shape);
    }
    check(fovea::state_dict(file).size() <= file.tensors.size());
  } catch (const fovea::Error& error) {
    check(error.kind() == fovea::ErrorKind::format);
  }
  return 0;
}
