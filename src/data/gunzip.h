#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace fovea {

// DEFLATE cannot expand more than this (258 bytes from 2 bits); what promises more is wrong.
inline constexpr uint64_t max_deflate_expansion = 1032;

// Decompresses gzip data in memory, piece by piece.
class Gunzip {
 public:
  // `name` is for messages. Both must outlive the object.
  Gunzip(std::span<const std::byte> bytes, std::string_view name);
  ~Gunzip();
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  // Fills `out` as far as the data reach and returns how many bytes that were. Throws Error(data) when they are corrupt
  // or cut short.
  size_t read(std::span<std::byte> out);

 private:
  [[noreturn]] void fail(const char* reason) const;

  std::span<const std::byte> rest_;
  std::string_view name_;
  z_stream stream_{};
  bool ended_ = false;
};

}  // namespace fovea
