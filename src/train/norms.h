#pragma once

#include <span>

namespace fovea {

// In double, on all threads, summed in an order that depends on the size alone.
double sum_of_squares(std::span<const float> values);

}  // namespace fovea
