#pragma once

#include <cstdint>

namespace fovea {

// Local response normalisation of each row of x {rows, channels} by itself.
struct LocalResponse {
  int64_t rows, channels;
  int64_t before, after;  // neighbours of a channel that count
  double share;           // alpha / size
  double beta, k;
};

}  // namespace fovea
