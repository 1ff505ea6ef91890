#include "op_cases.h"

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "fovea/error.h"
#include "fovea/op.h"
#include "fovea/parallel.h"
#include "fovea/random.h"
#include "op_compare.h"
#include "op_runner.h"

namespace fovea::testing {
namespace {

class ThreadCountGuard {
 public:
  ThreadCountGuard() = default;
  ThreadCountGuard(const ThreadCountGuard&) = delete;
  ThreadCountGuard& operator=(const ThreadCountGuard&) = delete;
  ~ThreadCountGuard() { set_thread_count(before_); }

 private:
  int before_ = thread_count();
};

class TargetGuard {
 public:
  explicit TargetGuard(int64_t target) { hwy::SetSupportedTargetsForTest(target); }
  TargetGuard(const TargetGuard&) = delete;
  TargetGuard& operator=(const TargetGuard&) = delete;
  ~TargetGuard() { hwy::SetSupportedTargetsForTest(0); }
};

class OpCases : public ::testing::TestWithParam<OpCase> {
 protected:
  OpResults<double> reference() const {
    return run_step(instance, to_double(values), reference_runner<double>(instance), all_gradients(instance));
  }
  OpResults<float> fast(const PrepareOptions& wanted) const {
    const auto kernel = instance.op->prepare(instance.shapes, wanted);
    return run_step(instance, values, kernel_runner(*kernel), wanted);
  }

  const OpInstance instance = instantiate(GetParam());
  const OpValues<float> values = draw_values(GetParam(), instance);
};

TEST_P(OpCases, FastEqualsReferenceOnEveryInstructionSet) {
  const ThreadCountGuard restore;
  const OpResults<double> expected = reference();
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    const TargetGuard mock(target);
    set_thread_count(1);
    const OpResults<float> one = fast(all_gradients(instance));
    expect_close(one, expected, GetParam().tolerance);
    for (const int threads : {2, 3}) {
      set_thread_count(threads);
      EXPECT_EQ(fast(all_gradients(instance)), one) << "results depend on the number of threads, " << threads;
    }
  }
}

TEST_P(OpCases, ReferenceInFloatEqualsReferenceInDouble) {
  const auto kernel = prepare_reference(*instance.op, instance.shapes);
  const auto actual = run_step(instance, values, kernel_runner(*kernel), all_gradients(instance));
  expect_close(actual, reference(), 10 * GetParam().tolerance);  // naive sums round more than blocked ones
}

TEST_P(OpCases, ComputesOnlyWantedGradients) {
  const OpResults<double> expected = reference();
  PrepareOptions none{.training = instance.training, .input_gradients = {}, .parameter_gradients = false};
  expect_close(fast(none), expected, GetParam().tolerance);
  none.input_gradients.resize(values.inputs.size());
  for (size_t i = 0; i < values.inputs.size(); ++i) {
    if (!instance.op->differentiable(i)) continue;
    PrepareOptions only = none;
    only.input_gradients[i] = true;
    SCOPED_TRACE("gradient of input " + std::to_string(i) + " only");
    expect_close(fast(only), expected, GetParam().tolerance);
  }
  if (instance.parameters.empty()) return;
  none.parameter_gradients = true;
  expect_close(fast(none), expected, GetParam().tolerance);
}

TEST_P(OpCases, KernelServesManySteps) {
  const PrepareOptions wanted = all_gradients(instance);
  const auto kernel = instance.op->prepare(instance.shapes, wanted);
  const Runner<float> runner = kernel_runner(*kernel);
  const OpResults<float> first = run_step(instance, values, runner, wanted);
  OpValues<float> others = values;
  for (auto& parameter : others.parameters) {
    for (float& value : parameter) value *= 1.5F;
  }
  std::ranges::reverse(others.output_gradient);
  const auto fresh = instance.op->prepare(instance.shapes, wanted);
  EXPECT_EQ(run_step(instance, others, runner, wanted), run_step(instance, others, kernel_runner(*fresh), wanted));
  EXPECT_EQ(run_step(instance, values, runner, wanted), first);
}

TEST_P(OpCases, WorksInPlaceWhereItSaysSo) {
  if (!instance.op->in_place_input()) return;
  ASSERT_EQ(instance.shapes.inputs[*instance.op->in_place_input()], instance.shapes.output);
  EXPECT_EQ(run_in_place(instance, values), fast(all_gradients(instance)));
}

TEST_P(OpCases, IsRebuiltFromItsAttributes) {
  if (!std::ranges::count(op_types(), instance.op->type())) return;  // fused: it lives in plans only
  const auto rebuilt = make_op(instance.op->type(), instance.op->attributes());
  EXPECT_EQ(rebuilt->type(), instance.op->type());
  EXPECT_EQ(rebuilt->attributes(), instance.op->attributes());
  ASSERT_EQ(rebuilt->infer(instance.shapes.inputs), instance.shapes.output);
  OpInstance again = instance;
  again.op = rebuilt;
  const PrepareOptions wanted = all_gradients(again);
  const auto kernel = rebuilt->prepare(instance.shapes, wanted);
  EXPECT_EQ(run_step(again, values, kernel_runner(*kernel), wanted), fast(wanted));
}

// Central differences of fourth order: the truncation error h^4 and the rounding error epsilon / h both stay well
// below the tolerance of 1e-6.
constexpr double h = 1e-4;

// The derivative of sum(output_gradient * output) along `move`, which adds a multiple of a direction to the values.
template <class Move>
double finite_difference(const OpInstance& instance, const OpValues<double>& values, const Move& move) {
  const PrepareOptions forward_only{.training = instance.training};
  const auto output_at = [&](double distance) {
    OpValues<double> moved = values;
    move(moved, distance);
    return run_step(instance, moved, reference_runner<double>(instance), forward_only).output;
  };
  const auto plus = output_at(h), minus = output_at(-h), plus2 = output_at(2 * h), minus2 = output_at(-2 * h);
  double sum = 0;
  for (size_t i = 0; i < plus.size(); ++i) {
    const double difference = 8 * (plus[i] - minus[i]) - (plus2[i] - minus2[i]);
    sum += values.output_gradient[i] * difference / (12 * h);
  }
  return sum;
}

// Checks some elements of one gradient, all of them if they are few and the op is cheap. `select` picks the tensor that
// is moved.
template <class Select>
void expect_gradient(const OpInstance& instance, const OpValues<double>& values, const std::vector<double>& gradient,
                     const Select& select, const std::string& what) {
  const int64_t cost = std::max(instance.op->multiply_adds(instance.shapes), instance.shapes.output.elements());
  const auto at_most = static_cast<size_t>(std::clamp<int64_t>(5'000'000 / cost, 4, 100));
  const size_t stride = (gradient.size() + at_most - 1) / at_most;
  for (size_t i = 0; i < gradient.size(); i += stride) {
    const double expected = finite_difference(
        instance, values, [&](OpValues<double>& moved, double distance) { select(moved)[i] += distance; });
    const double bound = 1e-6 * std::max(std::abs(expected), 0.01 * largest(gradient));
    ASSERT_TRUE(std::abs(gradient[i] - expected) <= bound)
        << what << "[" << i << "] is " << gradient[i] << ", finite differences give " << expected;
  }
}

TEST_P(OpCases, GradientsEqualFiniteDifferences) {
  if (GetParam().speed || GetParam().straight_through) return;  // too many elements; not the derivative
  const OpValues<double> at = to_double(values);
  const OpResults<double> results = reference();
  for (size_t i = 0; i < at.inputs.size(); ++i) {
    if (!instance.op->differentiable(i)) continue;
    expect_gradient(
        instance, at, results.input_gradients[i], [i](OpValues<double> & v) -> auto& { return v.inputs[i]; },
        "gradient of input " + std::to_string(i));
  }
  for (size_t i = 0; i < at.parameters.size(); ++i) {
    if (!instance.parameters[i].trainable) continue;
    expect_gradient(
        instance, at, results.parameter_gradients[i], [i](OpValues<double> & v) -> auto& { return v.parameters[i]; },
        "gradient of " + instance.parameters[i].name);
  }
}

INSTANTIATE_TEST_SUITE_P(Table, OpCases, ::testing::ValuesIn(op_cases()),
                         [](const auto& test) { return test.param.name; });

TEST(OpTable, EveryOpHasACase) {
  std::set<std::string> covered;
  for (const OpCase& op_case : op_cases()) covered.insert(std::string(instantiate(op_case).op->type()));
  for (const std::string_view type : op_types()) {
    EXPECT_TRUE(covered.contains(std::string(type))) << "no case of op " << type;
  }
}

}  // namespace
}  // namespace fovea::testing
