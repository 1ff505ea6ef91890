#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "core/file.h"

namespace fovea {

// Writes a zip archive of stored entries, each one's content at a multiple of 64 bytes, so that it can be mapped and
// used in place; zip64 where sizes ask for it. The bytes depend on what is added alone.
class ZipWriter {
 public:
  explicit ZipWriter(const std::filesystem::path& path) : file_(path) {}

  // An entry of these parts, one after the other.
  void add(const std::string& name, std::initializer_list<std::span<const std::byte>> parts);
  // To be called once, last: writes the table; the file appears.
  void finish();

 private:
  void append(const std::string& bytes);

  AtomicFile file_;
  std::string table_;
  uint64_t entries_ = 0;
  uint64_t written_ = 0;
};

}  // namespace fovea
