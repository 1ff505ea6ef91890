#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace fovea {

// Element type of an array in a file, little-endian. In memory every Tensor is float32.
enum class DType : uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, boolean };

// Bytes per element.
size_t item_size(DType dtype);

// Name in safetensors: "F64", "F32", "F16", "BF16", "I64", ..., "U8", "BOOL".
std::string_view to_string(DType dtype);

// Decodes stored elements to float32; `stored` need not be aligned. f32, f16, bf16 and integers up to 16 bits are
// exact, wider ones are rounded to nearest; f64 beyond float's range becomes infinity; a boolean is 0 or 1.
// Throws Error(usage) unless stored.size() == values.size() * item_size(dtype).
void decode(DType dtype, std::span<const std::byte> stored, std::span<float> values);
// The same to double, where integers of up to 53 bits and f64 are exact too.
void decode(DType dtype, std::span<const std::byte> stored, std::span<double> values);

}  // namespace fovea
