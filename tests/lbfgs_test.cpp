#include "fovea/lbfgs.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "fovea/error.h"
#include "test_files.h"

namespace fovea {
namespace {

double rosenbrock(std::span<const float> x, std::span<float> gradient) {
  const double a = x[0], b = x[1];
  gradient[0] = static_cast<float>(-2 * (1 - a) - 400 * a * (b - a * a));
  gradient[1] = static_cast<float>(200 * (b - a * a));
  return (1 - a) * (1 - a) + 100 * (b - a * a) * (b - a * a);
}

TEST(Lbfgs, FindsTheEndOfRosenbrocksValley) {
  std::array<float, 2> x = {-1.2F, 1.0F};
  const LbfgsResult result = minimize_lbfgs(x, rosenbrock, {.iterations = 200, .value_limit = 0});
  EXPECT_NEAR(x[0], 1, 1e-3);
  EXPECT_NEAR(x[1], 1, 2e-3);
  EXPECT_LT(result.value, 1e-6);
  EXPECT_LT(result.evaluations, 120);
  EXPECT_GE(result.evaluations, result.iterations);
}

// sum of k (x_k - k)^2 / 2 with x_k <= 4: beyond it elements stop at the limit.
TEST(Lbfgs, StaysWithinLimits) {
  std::vector<float> x(10);
  const Objective bowl = [](std::span<const float> at, std::span<float> gradient) {
    double value = 0;
    for (size_t k = 0; k < at.size(); ++k) {
      EXPECT_LE(at[k], 4);
      const double distance = at[k] - static_cast<double>(k);
      gradient[k] = static_cast<float>(static_cast<double>(k + 1) * distance);
      value += static_cast<double>(k + 1) * distance * distance / 2;
    }
    return value;
  };
  minimize_lbfgs(x, bowl, {.upper = 4});
  for (size_t k = 0; k < x.size(); ++k) EXPECT_NEAR(x[k], std::min(4.0, static_cast<double>(k)), 1e-3) << k;
}

TEST(Lbfgs, ShortensStepsThatLeaveTheDomain) {
  std::array<float, 1> x = {5};
  const Objective barrier = [](std::span<const float> at, std::span<float> gradient) {
    gradient[0] = 1 - 1 / at[0];
    return at[0] - std::log(static_cast<double>(at[0]));  // NaN below zero; least at 1
  };
  minimize_lbfgs(x, barrier);
  EXPECT_NEAR(x[0], 1, 1e-3);
}

TEST(Lbfgs, TellsOfItsStepsAndStopsWhenTold) {
  std::array<float, 2> x = {-1.2F, 1.0F};
  std::vector<double> values;
  const LbfgsResult result = minimize_lbfgs(x, rosenbrock, {.on_iteration = [&](int64_t iteration, double value) {
                                              EXPECT_EQ(iteration, std::ssize(values) + 1);
                                              values.push_back(value);
                                              return values.size() < 5;
                                            }});
  EXPECT_EQ(result.iterations, 5);
  for (size_t i = 1; i < values.size(); ++i) EXPECT_LT(values[i], values[i - 1]);
}

TEST(Lbfgs, RefusesWhatMakesNoSense) {
  std::array<float, 2> x = {0, 0};
  error_of(ErrorKind::usage, [&] { minimize_lbfgs({}, rosenbrock); });
  error_of(ErrorKind::usage, [&] { minimize_lbfgs(x, rosenbrock, {.iterations = 0}); });
  error_of(ErrorKind::usage, [&] { minimize_lbfgs(x, rosenbrock, {.lower = 1, .upper = 1}); });
  const Objective nan = [](std::span<const float>, std::span<float>) { return std::nan(""); };
  error_of(ErrorKind::failure, [&] { minimize_lbfgs(x, nan); });
}

}  // namespace
}  // namespace fovea
