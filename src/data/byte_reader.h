#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fovea {

// Whole numbers out of bytes that may end too early: what lies beyond the end reads as 0.
class ByteReader {
 public:
  ByteReader(std::span<const uint8_t> bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  bool holds(size_t at, size_t count) const { return at <= bytes_.size() && count <= bytes_.size() - at; }
  uint32_t u16(size_t at) const { return read(at, 2); }
  uint32_t u32(size_t at) const { return read(at, 4); }
  int32_t i32(size_t at) const { return static_cast<int32_t>(u32(at)); }

 private:
  uint32_t read(size_t at, size_t count) const {
    if (!holds(at, count)) return 0;
    uint32_t value = 0;
    for (size_t i = 0; i < count; ++i) value = value << 8 | bytes_[at + (big_endian_ ? i : count - 1 - i)];
    return value;
  }

  std::span<const uint8_t> bytes_;
  bool big_endian_;
};

}  // namespace fovea
