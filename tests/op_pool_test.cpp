#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <cmath>
#include <limits>

#include "op_cases.h"
#include "op_runner.h"

// What the table's numbers do not reach: pixels that are not finite, and equal ones.
namespace fovea::testing {
namespace {

class MaxPoolSpecials : public ::testing::TestWithParam<std::string> {};

TEST_P(MaxPoolSpecials, TakesTheFirstMaximumAndAnyNaN) {
  const OpCase& which = op_case(GetParam());
  const OpInstance instance = instantiate(which);
  OpValues<float> values = draw_values(which, instance);
  const float specials[] = {std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity(),
                            1,
                            1,
                            1,
                            1};
  for (size_t i = 0; i < values.inputs[0].size(); ++i) values.inputs[0][i] = specials[(i * i + i / 3) % 7];
  const Signature& shapes = instance.shapes;
  const auto run = [&](Kernel& kernel, const std::vector<float>& x) {
    OpResults<float> results;
    results.output.resize(static_cast<size_t>(shapes.output.elements()));
    results.input_gradients = {std::vector<float>(x.size())};
    std::vector<float> saved(kernel.saved_size());
    std::vector<float> scratch(kernel.scratch_size());
    const float* inputs[] = {x.data()};
    float* gradients[] = {results.input_gradients[0].data()};
    Step<float> step;
    step.inputs = inputs;
    step.output = results.output.data();
    step.saved = saved.data();
    step.scratch = scratch.data();
    step.output_gradient = values.output_gradient.data();
    step.input_gradients = gradients;
    kernel.forward(step);
    kernel.backward(step);
    return results;
  };
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    const auto kernel = instance.op->prepare(shapes, all_gradients(instance));
    const auto reference = prepare_reference(*instance.op, shapes);
    const OpResults<float> actual = run(*kernel, values.inputs[0]);
    const OpResults<float> expected = run(*reference, values.inputs[0]);
    EXPECT_EQ(actual.input_gradients, expected.input_gradients);
    for (size_t i = 0; i < expected.output.size(); ++i) {
      if (std::isnan(expected.output[i])) {
        EXPECT_TRUE(std::isnan(actual.output[i])) << i;
      } else {
        EXPECT_EQ(actual.output[i], expected.output[i]) << i;
      }
    }
  }
  hwy::SetSupportedTargetsForTest(0);
}

INSTANTIATE_TEST_SUITE_P(Windows, MaxPoolSpecials,
                         ::testing::Values("max_pool_6", "max_pool_many_70", "max_pool_overlap_17", "max_pool_gaps",
                                           "global_max_pool", "global_max_pool_3d", "max_pool_1d_ceil", "max_pool_3d",
                                           "max_pool_3d_overlap"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace fovea::testing
