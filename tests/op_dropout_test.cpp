#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "fovea/ops.h"
#include "op_cases.h"
#include "op_runner.h"

// What cannot be compared with PyTorch bit by bit: that dropout drops at its rate, rescales, and remembers its mask.
namespace fovea::testing {
namespace {

class DropoutRates : public ::testing::TestWithParam<double> {
 protected:
  static constexpr size_t count = 40000;

  OpInstance instance = instantiate({.name = "dropout",
                                     .build =
                                         [](Graph& g) {
                                           return dropout(g.input("x", {100, 200, 1}), GetParam());
                                         },
                                     .training = true,
                                     .batch = 2});
  OpValues<float> ones{{std::vector<float>(count, 1)}, {}, std::vector<float>(count, 1)};
  PrepareOptions wanted = all_gradients(instance);
  std::unique_ptr<Kernel> kernel = instance.op->prepare(instance.shapes, wanted);
  Runner<float> runner = kernel_runner(*kernel);

  // Runs a step whose random numbers are those of `stream`.
  OpResults<float> run(uint64_t stream) {
    Runner<float> with_stream = runner;
    const auto reseed = [stream](Step<float> step, const auto& pass) {
      step.random = Random(3, stream);
      pass(step);
    };
    with_stream.forward = [&](const Step<float>& step) { reseed(step, runner.forward); };
    with_stream.backward = [&](const Step<float>& step) { reseed(step, runner.backward); };
    return run_step(instance, ones, with_stream, wanted);
  }
};

TEST_P(DropoutRates, KeepsItsShareAndTheMean) {
  const double rate = GetParam();
  const std::vector<float> y = run(0).output;
  const auto scale = static_cast<float>(1 / (1 - rate));
  size_t kept = 0;
  for (const float value : y) {
    if (value == 0) continue;
    ++kept;
    ASSERT_FLOAT_EQ(value, scale);
  }
  const double deviation = std::sqrt(rate * (1 - rate) * count);  // of a binomial
  EXPECT_NEAR(static_cast<double>(kept), (1 - rate) * count, 4 * deviation);
}

TEST_P(DropoutRates, NeighboursAreIndependent) {
  const double rate = GetParam();
  const std::vector<float> y = run(0).output;
  for (const size_t distance : {1, 2, 4, 8, 200}) {
    size_t both = 0;
    for (size_t i = 0; i + distance < count; ++i) both += y[i] != 0 && y[i + distance] != 0;
    const double share = (1 - rate) * (1 - rate);
    EXPECT_NEAR(static_cast<double>(both) / count, share, 0.015) << "distance " << distance;
  }
}

TEST_P(DropoutRates, BackwardHasTheMaskOfForward) {
  const OpResults<float> results = run(0);
  EXPECT_EQ(results.input_gradients[0], results.output);
}

TEST_P(DropoutRates, EveryStepHasItsOwnMask) {
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1).output, run(2).output);
}

INSTANTIATE_TEST_SUITE_P(Rates, DropoutRates, ::testing::Values(0.1, 0.5, 0.9));

TEST(Dropout, IsTheIdentityInInference) {
  const OpInstance instance = instantiate(op_case("dropout"));
  EXPECT_TRUE(instance.op->is_identity(false));
  EXPECT_FALSE(instance.op->is_identity(true));
}

}  // namespace
}  // namespace fovea::testing
