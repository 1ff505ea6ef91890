#pragma once

#include <cstdint>

#include "fovea/random.h"

namespace fovea {

// What is dropped as a whole: single elements, channels of a sample, or samples.
enum class DropUnit { element, channel, sample };

// x {batch, positions, channels}
struct DropShape {
  int64_t batch, positions, channels;
  DropUnit unit;

  int64_t elements() const { return batch * positions * channels; }
  // Number of the unit that element i is of.
  int64_t unit_of(int64_t i) const {
    const int64_t sample = i / (positions * channels);
    return unit == DropUnit::element ? i : unit == DropUnit::sample ? sample : sample * channels + i % channels;
  }
};

// Unit i is dropped when random.bits(i) < dropout_threshold(rate), that is with probability rate to 2^-32.
inline uint32_t dropout_threshold(double rate) { return static_cast<uint32_t>(rate * 0x1p32); }
inline float dropout_scale(double rate) { return static_cast<float>(1 / (1 - rate)); }

}  // namespace fovea
