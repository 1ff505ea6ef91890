#pragma once

#include <cstdint>

#include "fovea/quantized_ops.h"
#include "kernels/pool_shape.h"

// Passes over bytes: fovea/quantized_ops.h has the formulas.
namespace fovea::cpu {

// Real numbers to bytes and back.
void quantize(const Quantization& to, int64_t count, const float* x, uint8_t* y);
void dequantize(const Quantization& from, int64_t count, const uint8_t* x, float* y);
// y may be a.
void add_dequantized(const Quantization& from, int64_t count, const float* a, const uint8_t* b, float* y);

// Whole numbers held as floats to bytes, the nearest from 0 to 255, and back.
void pack_bytes(int64_t count, const float* x, uint8_t* y);
void unpack_bytes(int64_t count, const uint8_t* x, float* y);

// The maximum of every window; as max_pool_forward of pool.h, of pictures and sequences.
void max_pool_bytes(const PoolShape& shape, const uint8_t* x, uint8_t* y);

}  // namespace fovea::cpu
