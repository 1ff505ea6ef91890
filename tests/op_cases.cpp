#include "op_cases.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "fovea/ops.h"

namespace fovea::testing {

namespace {

using Unary = std::function<Value(Value)>;
using Binary = std::function<Value(Value, Value)>;

OpCase unary(const std::string& name, const Unary& op, const Shape& sample, Draw draw = {}) {
  return {.name = name, .build = [=](Graph& graph) { return op(graph.input("x", sample)); }, .draws = {draw}};
}
[[maybe_unused]] OpCase binary(const std::string& name, const Binary& op, const Shape& a, const Shape& b,
                               std::vector<Draw> draws = {}) {
  const auto build = [=](Graph& graph) { return op(graph.input("a", a), graph.input("b", b)); };
  return {.name = name, .build = build, .draws = std::move(draws)};
}
[[maybe_unused]] OpCase batch_of(int64_t batch, OpCase op_case) {
  op_case.batch = batch;
  return op_case;
}
[[maybe_unused]] OpCase training(OpCase op_case) {
  op_case.training = true;
  return op_case;
}
OpCase speed(OpCase op_case) {
  op_case.speed = true;
  return op_case;
}
}  // namespace

const std::vector<OpCase>& op_cases() {
  static const std::vector<OpCase> cases = {
      unary("relu", relu, {5, 7, 3}, Draw::off_zero()),
      unary("relu_flat", relu, {13}, Draw::off_zero()),
      speed(unary("relu_large", relu, {56, 56, 64}, Draw::off_zero())),
      unary(
          "leaky_relu", [](Value x) { return leaky_relu(x, 0.1); }, {5, 7, 3}, Draw::off_zero()),
      speed(unary(
          "leaky_relu_large", [](Value x) { return leaky_relu(x); }, {28, 28, 33}, Draw::off_zero())),
      unary(
          "elu", [](Value x) { return elu(x); }, {5, 7, 3}, Draw::off_zero()),
      unary(
          "elu_alpha", [](Value x) { return elu(x, 0.3); }, {4, 4, 5}, Draw::off_zero()),
      speed(unary(
          "elu_large", [](Value x) { return elu(x); }, {28, 28, 33}, Draw::uniform(-20, 20))),
      unary("sigmoid", sigmoid, {5, 7, 3}),
      unary("sigmoid_saturated", sigmoid, {5, 7, 3}, Draw::uniform(-200, 200)),
      speed(unary("sigmoid_large", sigmoid, {28, 28, 33}, Draw::uniform(-20, 20))),
      unary("tanh", [](Value x) { return tanh(x); }, {5, 7, 3}),
      unary(
          "tanh_saturated", [](Value x) { return tanh(x); }, {5, 7, 3}, Draw::uniform(-200, 200)),
      speed(unary(
          "tanh_large", [](Value x) { return tanh(x); }, {28, 28, 33}, Draw::uniform(-10, 10))),
  };
  return cases;
}

const OpCase& op_case(const std::string& name) {
  const auto found = std::ranges::find(op_cases(), name, &OpCase::name);
  if (found == op_cases().end()) throw std::out_of_range("no op case " + name);
  return *found;
}

}  // namespace fovea::testing
