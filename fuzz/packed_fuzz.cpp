// Packed data sets: any file is either refused with Error(format) or Error(data), or gives pictures that can be read.
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fovea/data_sources.h"
#include "fovea/error.h"

namespace {

void check(bool condition) {
  if (!condition) std::abort();
}

// A file in memory alone, as open_packed maps files.
class MemoryFile {
 public:
  MemoryFile(const uint8_t* data, size_t size) : number_(memfd_create("fuzz", 0)) {
    check(number_ >= 0 && write(number_, data, size) == static_cast<ssize_t>(size));
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(number_); }
  std::string path() const { return fmt::format("/proc/self/fd/{}", number_); }

 private:
  int number_;
};

void read_all(const fovea::Dataset& dataset) {
  fovea::Image picture;
  for (int64_t i = 0; i < dataset.size(); ++i) {
    check(dataset.label(i) >= 0 && dataset.label(i) < std::ssize(dataset.class_names()));
    dataset.read(i, picture);
    check(std::ssize(picture.pixels) == int64_t{1} * picture.height * picture.width * picture.channels);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const MemoryFile file(data, size);
  try {
    const fovea::DataSplits splits = fovea::open_packed(file.path());
    read_all(*splits.train);
    if (splits.test) read_all(*splits.test);
  } catch (const fovea::Error& error) {
    check(error.kind() == fovea::ErrorKind::format || error.kind() == fovea::ErrorKind::data);
  }
  return 0;
}
