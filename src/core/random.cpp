#include "fovea/random.h"

#include <cmath>
#include <numbers>
#include <utility>

namespace fovea {

namespace {

// Philox multipliers and Weyl key increments, Salmon et al. 2011, section 4.3 and Random123.
constexpr uint64_t multiplier0 = 0xD2511F53;
constexpr uint64_t multiplier1 = 0xCD9E8D57;
constexpr uint32_t weyl0 = 0x9E3779B9;
constexpr uint32_t weyl1 = 0xBB67AE85;

uint32_t low(uint64_t x) { return static_cast<uint32_t>(x); }
uint32_t high(uint64_t x) { return static_cast<uint32_t>(x >> 32U); }

}  // namespace

std::array<uint32_t, 4> Random::block(uint64_t counter) const {
  std::array<uint32_t, 4> c = {low(counter), high(counter), low(stream_), high(stream_)};
  uint32_t key0 = low(seed_);
  uint32_t key1 = high(seed_);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = multiplier0 * c[0];
    const uint64_t p1 = multiplier1 * c[2];
    c = {high(p1) ^ c[1] ^ key0, low(p1), high(p0) ^ c[3] ^ key1, low(p0)};
    key0 += weyl0;
    key1 += weyl1;
  }
  return c;
}

float Random::normal(uint64_t i) const {
  const auto words = block(i);
  const double u = (static_cast<double>(words[0]) + 1.0) * 0x1p-32;  // (0, 1]: the logarithm stays finite
  const double angle = 2.0 * std::numbers::pi * static_cast<double>(words[1]) * 0x1p-32;
  return static_cast<float>(std::sqrt(-2.0 * std::log(u)) * std::cos(angle));
}

uint64_t Random::below(uint64_t i, uint64_t n) const {
  const auto words = block(i);
  // (64 random bits * n) / 2^64, carried out in 32-bit halves.
  return (words[0] * n + ((words[1] * n) >> 32U)) >> 32U;
}

Random Random::substream(uint64_t stream) const {
  const auto words = block(~stream);  // the far end of the counter range, which draws never reach
  return Random((uint64_t{words[0]} << 32U) | words[1], (uint64_t{words[2]} << 32U) | words[3]);
}

void shuffle(std::span<int64_t> items, const Random& random) {
  for (size_t i = items.size(); i > 1; --i) {
    std::swap(items[i - 1], items[random.below(i, i)]);
  }
}

}  // namespace fovea
