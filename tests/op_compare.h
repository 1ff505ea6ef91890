#pragma once

#include <string>
#include <vector>

#include "op_runner.h"

namespace fovea::testing {

double largest(const std::vector<double>& values);

// Expects every element within tolerance times the largest expected magnitude; NaN is never.
void expect_close(const std::vector<float>& actual, const std::vector<double>& expected, double tolerance,
                  const std::string& what);
// Compares what `actual` has: gradients that were not wanted are empty there.
void expect_close(const OpResults<float>& actual, const OpResults<double>& expected, double tolerance);

}  // namespace fovea::testing
