#include "fovea/ops.h"
#include "op_case_builders.h"

// Functions of single numbers, normalisation across channels and groups, dropout of channels, and losses.
namespace fovea::testing {

namespace {

// Away from kinks and poles.
const Draw positive = Draw::uniform(0.3, 3);

OpCase prelu_case(const std::string& name, const Shape& sample, bool shared) {
  const auto build = [=](Value x) { return prelu(Scope(x.graph()) / "prelu", x, {.shared = shared}); };
  return unary(name, build, sample, Draw::off_zero());
}

OpCase power_case(const std::string& name, double exponent, Draw draw = positive) {
  return unary(
      name, [=](Value x) { return power(x, exponent); }, {5, 7, 3}, draw);
}

OpCase group_norm_case(const std::string& name, const Shape& sample, const GroupNormOptions& options, Draw draw = {}) {
  return unary(
      name, [=](Value x) { return group_norm(Scope(x.graph()) / "norm", x, options); }, sample, draw);
}

OpCase local_response_case(const std::string& name, const Shape& sample, const LocalResponseNormOptions& options) {
  return unary(
      name, [=](Value x) { return local_response_norm(x, options); }, sample, Draw::uniform(-4, 4));
}

Value exp_of(Value x) { return exp(x); }
Value log_of(Value x) { return log(x); }
Value sqrt_of(Value x) { return sqrt(x); }
Value abs_of(Value x) { return abs(x); }

std::vector<OpCase> single_number_cases() {
  return {
      unary("exp", exp_of, {5, 7, 3}, Draw::uniform(-4, 4)),
      speed(unary("exp_large", exp_of, {28, 28, 33}, Draw::uniform(-80, 80))),
      unary("log", log_of, {5, 7, 3}, positive),
      speed(unary("log_large", log_of, {28, 28, 33}, Draw::uniform(1e-6, 1000))),
      unary("sqrt", sqrt_of, {5, 7, 3}, positive),
      unary("abs", abs_of, {5, 7, 3}, Draw::off_zero()),
      unary("negate", negate, {5, 7, 3}),
      power_case("power_square", 2, Draw::off_zero()),
      power_case("power_cube", 3, Draw::off_zero()),
      power_case("power_root", 0.5),
      power_case("power_inverse", -1),
      power_case("power_fraction", 1.7),
      power_case("power_none", 0),
      unary("clip", [](Value x) { return clip(x, -0.4, 0.7); }, {5, 7, 3}),
      unary("softplus", softplus, {5, 7, 3}, Draw::uniform(-4, 4)),
      unary("softplus_saturated", softplus, {5, 7, 3}, Draw::uniform(-100, 100)),
      speed(unary("softplus_large", softplus, {28, 28, 33}, Draw::uniform(-20, 20))),
      unary("selu", selu, {5, 7, 3}, Draw::off_zero()),
      unary("mish", mish, {5, 7, 3}, Draw::uniform(-4, 4)),
      unary("mish_saturated", mish, {5, 7, 3}, Draw::uniform(-100, 100)),
      speed(tolerance(4e-6, unary("mish_large", mish, {28, 28, 33}, Draw::uniform(-20, 20)))),
      unary("smooth_abs", [](Value x) { return smooth_abs(x, 0.5); }, {5, 7, 3}),
      prelu_case("prelu", {5, 7, 3}, false),
      prelu_case("prelu_shared", {5, 7, 6}, true),
      batch_of(7, prelu_case("prelu_flat", {37}, false)),
      speed(prelu_case("prelu_large", {28, 28, 65}, false)),
  };
}

}  // namespace

std::vector<OpCase> function_op_cases() {
  std::vector<OpCase> cases = single_number_cases();
  const std::vector<OpCase> more = {
      group_norm_case("group_norm", {5, 7, 6}, {.groups = 3}),
      group_norm_case("group_norm_one", {4, 3, 5}, {.groups = 1, .epsilon = 1e-2}),
      group_norm_case("group_norm_far_from_zero", {4, 5, 8}, {.groups = 2}, Draw::uniform(99, 101)),
      batch_of(3, group_norm_case("group_norm_flat", {12}, {.groups = 3})),
      group_norm_case("group_norm_plain", {4, 3, 6}, {.groups = 2, .affine = false}),
      unary("instance_norm", [](Value x) { return instance_norm(Scope(x.graph()) / "norm", x); }, {5, 7, 3}),
      unary("instance_norm_affine", [](Value x) { return instance_norm(Scope(x.graph()) / "norm", x, 1e-3, true); },
            {5, 7, 19}),
      speed(group_norm_case("group_norm_large", {28, 28, 128}, {.groups = 32})),
      local_response_case("local_response_norm", {4, 5, 9}, {.size = 5, .alpha = 0.5, .beta = 0.75, .k = 2}),
      local_response_case("local_response_norm_even", {4, 5, 19}, {.size = 4, .alpha = 0.3, .beta = 0.6}),
      local_response_case("local_response_norm_wide", {3, 2, 5}, {.size = 11, .alpha = 0.3}),
      speed(local_response_case("local_response_norm_alexnet", {27, 27, 96}, {.alpha = 5e-4, .k = 2})),

      training(
          batch_of(3, unary("spatial_dropout_training", [](Value x) { return spatial_dropout(x, 0.4); }, {5, 7, 9}))),
      unary("spatial_dropout", [](Value x) { return spatial_dropout(x, 0.4); }, {5, 7, 3}),
      speed(
          training(unary("spatial_dropout_training_large", [](Value x) { return spatial_dropout(x); }, {28, 28, 65}))),

      batch_of(5, binary("cross_entropy_smoothed", [](Value x, Value y) { return cross_entropy(x, y, 0.1); }, {10}, {},
                         {{}, Draw::classes(10)})),
      batch_of(5, binary("soft_cross_entropy", soft_cross_entropy, {10}, {10}, {{}, Draw::uniform(0, 1)})),
      batch_of(5, binary("soft_cross_entropy_wide_range", soft_cross_entropy, {7}, {7},
                         {Draw::uniform(-200, 200), Draw::uniform(0, 1)})),
      speed(batch_of(
          64, binary("soft_cross_entropy_imagenet", soft_cross_entropy, {1000}, {1000}, {{}, Draw::uniform(0, 1)}))),
      batch_of(6, binary("hinge", hinge, {10}, {}, {Draw::uniform(-2, 2), Draw::classes(10)})),
      speed(batch_of(64, binary("hinge_imagenet", hinge, {1000}, {}, {Draw::uniform(-2, 2), Draw::classes(1000)}))),
      binary("weighted_sum",
             [](Value a, Value b) {
               return weighted_sum({a, b}, {1, 0.3});
             },
             {3, 4}, {3, 4}),
  };
  cases.insert(cases.end(), more.begin(), more.end());
  return cases;
}

}  // namespace fovea::testing
