#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>

namespace fovea {

// A function to minimise: its value at x, and its gradient there, written to `gradient` (as long as x).
using Objective = std::function<double(std::span<const float> x, std::span<float> gradient)>;

struct LbfgsOptions {
  int64_t iterations = 100;
  int64_t history = 10;          // pairs of step and change of gradient that stand for the Hessian
  double gradient_limit = 1e-7;  // ends when no element of the (projected) gradient is larger
  double value_limit = 1e-9;     // ends when an iteration lowers the value by less than this part of it
  // Every element stays in between.
  float lower = -std::numeric_limits<float>::infinity();
  float upper = std::numeric_limits<float>::infinity();
  // Called after each iteration; false ends the search.
  std::function<bool(int64_t iteration, double value)> on_iteration{};
};

struct LbfgsResult {
  double value = 0;
  int64_t iterations = 0;
  int64_t evaluations = 0;  // of the function and its gradient
};

// Limited-memory BFGS (Nocedal 1980; Nocedal & Wright 2006, algorithm 7.4): x becomes the best point found. Steps obey
// the weak Wolfe conditions, found by bisection (Lewis & Overton 2013). With limits, elements that stand at one and are
// pushed beyond it are left out of the direction, and steps are projected (as in Bertsekas 1982).
// Sums are in double and in one order: results do not depend on the number of threads.
// Throws Error(usage) for options that make no sense or an empty x, Error(failure) when the value at the start is NaN
// or infinite; steps to such values are shortened.
LbfgsResult minimize_lbfgs(std::span<float> x, const Objective& objective, const LbfgsOptions& options = {});

}  // namespace fovea
