#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace fovea {

// Counter-based random numbers, Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
// The i-th number of a stream is a pure function of (seed, stream, i): any thread may ask for any number
// in any order, so results never depend on the number of threads, and resuming needs no hidden state.
class Random {
 public:
  explicit Random(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  uint64_t seed() const { return seed_; }
  uint64_t stream() const { return stream_; }

  // Four independent 32-bit words; the block at position `counter` of this stream.
  std::array<uint32_t, 4> block(uint64_t counter) const;

  uint32_t bits(uint64_t i) const { return block(i / 4)[i % 4]; }
  // Uniform in [0, 1), 24 bits of resolution.
  float uniform(uint64_t i) const { return static_cast<float>(bits(i) >> 8) * 0x1p-24F; }
  // Standard normal (Box-Muller over the two halves of block i).
  float normal(uint64_t i) const;
  // Uniform integer in [0, n), 1 <= n <= 2^32. Bias below 2^-32.
  uint64_t below(uint64_t i, uint64_t n) const;

  // A stream that is independent of this one for every distinct `stream`.
  Random substream(uint64_t stream) const;

 private:
  uint64_t seed_;
  uint64_t stream_;
};

// Fisher-Yates: a permutation that depends on (seed, stream) only.
void shuffle(std::span<int64_t> items, const Random& random);

}  // namespace fovea
