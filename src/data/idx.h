#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "fovea/data.h"

namespace fovea {

// An array of unsigned bytes with 1 to 4 dimensions, the first of them the items.
struct IdxArray {
  std::vector<int64_t> dims;
  std::vector<std::byte> bytes;
  size_t offset = 0;  // of the first element in bytes

  std::span<const uint8_t> values() const {
    return {reinterpret_cast<const uint8_t*>(bytes.data()) + offset, bytes.size() - offset};
  }
};

// Reads the contents of an IDX file, raw or gzip: bytes 0, 0, 8 (unsigned bytes), rank; then rank big-endian 32-bit
// extents; then the elements. Throws Error(data) naming the file when anything is missing, left over or of another
// type.
IdxArray parse_idx(std::vector<std::byte> file, std::string_view name);

}  // namespace fovea
