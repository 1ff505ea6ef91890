#include "core/base64.h"

#include <cstdint>

namespace fovea {

std::string base64(std::span<const std::byte> bytes) {
  constexpr const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t present = bytes.size() - i < 3 ? bytes.size() - i : 3;
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) group = group << 8U | (j < present ? static_cast<uint32_t>(bytes[i + j]) : 0U);
    for (size_t j = 0; j < 4; ++j) text += j <= present ? digits[group >> (18 - 6 * j) & 63U] : '=';
  }
  return text;
}

}  // namespace fovea
