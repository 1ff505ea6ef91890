#include "fovea/error.h"
#include "io/checkpoint_file.h"
#include "train/checkpoint.h"

// Any bytes are either a model (perhaps a checkpoint) or an Error(format).
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  try {
    const auto file = fovea::SafetensorsFile::parse({bytes, bytes + size}, "fuzz");
    fovea::Model model = fovea::read_model(file, "fuzz");
    fovea::read_training_state(file, "fuzz");
    fovea::read_training_tensors(file, "fuzz", fovea::make_optimizer(fovea::Sgd{}, model)->state());
  } catch (const fovea::Error& error) {
    if (error.kind() != fovea::ErrorKind::format) __builtin_trap();
  }
  return 0;
}
