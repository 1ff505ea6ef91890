// Texts of augmentation and of test views: any bytes are either understood or an Error(usage).
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fovea/augment.h"
#include "fovea/error.h"
#include "fovea/test_views.h"

namespace {

template <class Form>
void check(std::string_view text) {
  try {
    const Form form(text);
  } catch (const fovea::Error& error) {
    if (error.kind() != fovea::ErrorKind::usage) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check<fovea::Augmentation>(text);
  check<fovea::TestViews>(text);
  return 0;
}
