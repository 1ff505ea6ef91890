#include "fovea/dtype.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstring>

#include "fovea/error.h"
#include "fovea/parallel.h"

namespace fovea {

static_assert(std::endian::native == std::endian::little, "files are little-endian and read in place");

namespace {

struct Format {
  std::string_view name;
  size_t size;
};

// Indexed by DType.
constexpr std::array<Format, 13> formats = {{{"F64", 8},
                                             {"F32", 4},
                                             {"F16", 2},
                                             {"BF16", 2},
                                             {"I64", 8},
                                             {"I32", 4},
                                             {"I16", 2},
                                             {"I8", 1},
                                             {"U64", 8},
                                             {"U32", 4},
                                             {"U16", 2},
                                             {"U8", 1},
                                             {"BOOL", 1}}};

// IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 mantissa bits.
float from_half(uint16_t half) {
  const uint32_t sign = (half & 0x8000U) << 16;
  const uint32_t exponent = (half >> 10) & 31U;
  const uint32_t mantissa = half & 0x3FFU;
  const auto subnormal = std::bit_cast<uint32_t>(static_cast<float>(mantissa) * 0x1p-24F);
  const uint32_t normal = ((exponent == 31 ? 255 : exponent + 127 - 15) << 23) | (mantissa << 13);
  return std::bit_cast<float>(sign | (exponent == 0 ? subnormal : normal));
}

// bfloat16 is the upper half of a float32.
float from_bfloat(uint16_t bfloat) { return std::bit_cast<float>(static_cast<uint32_t>(bfloat) << 16); }

template <class Stored, class T, class Convert>
void decode_as(std::span<const std::byte> stored, std::span<T> values, Convert convert) {
  constexpr int64_t grain = 1 << 16;
  parallel_for(static_cast<int64_t>(values.size()), grain, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      Stored item;
      std::memcpy(&item, stored.data() + i * sizeof(Stored), sizeof(Stored));
      values[i] = convert(item);
    }
  });
}

template <class Number, class T>
void decode_number(std::span<const std::byte> stored, std::span<T> values) {
  decode_as<Number>(stored, values, [](Number item) { return static_cast<T>(item); });
}

template <class T>
void decode_to(DType dtype, std::span<const std::byte> stored, std::span<T> values) {
  if (stored.size() != values.size() * item_size(dtype)) {
    throw Error(ErrorKind::usage, fmt::format("{} elements of {} take {} bytes, got {}", values.size(),
                                              to_string(dtype), values.size() * item_size(dtype), stored.size()));
  }
  switch (dtype) {
    case DType::f64:
      return decode_number<double>(stored, values);
    case DType::f32:
      return decode_number<float>(stored, values);
    case DType::f16:
      return decode_as<uint16_t>(stored, values, from_half);
    case DType::bf16:
      return decode_as<uint16_t>(stored, values, from_bfloat);
    case DType::i64:
      return decode_number<int64_t>(stored, values);
    case DType::i32:
      return decode_number<int32_t>(stored, values);
    case DType::i16:
      return decode_number<int16_t>(stored, values);
    case DType::i8:
      return decode_number<int8_t>(stored, values);
    case DType::u64:
      return decode_number<uint64_t>(stored, values);
    case DType::u32:
      return decode_number<uint32_t>(stored, values);
    case DType::u16:
      return decode_number<uint16_t>(stored, values);
    case DType::u8:
      return decode_number<uint8_t>(stored, values);
    case DType::boolean:
      return decode_as<uint8_t>(stored, values, [](uint8_t item) -> T { return item != 0 ? 1 : 0; });
  }
}

}  // namespace

size_t item_size(DType dtype) { return formats[static_cast<size_t>(dtype)].size; }

std::string_view to_string(DType dtype) { return formats[static_cast<size_t>(dtype)].name; }

void decode(DType dtype, std::span<const std::byte> stored, std::span<float> values) {
  decode_to(dtype, stored, values);
}

void decode(DType dtype, std::span<const std::byte> stored, std::span<double> values) {
  decode_to(dtype, stored, values);
}

}  // namespace fovea
