#pragma once

#include <string>
#include <utility>
#include <vector>

#include "op_cases.h"

// What the lines of the op case tables are made of, and the tables that op_cases() joins.
namespace fovea::testing {

using Unary = std::function<Value(Value)>;
using Binary = std::function<Value(Value, Value)>;

inline OpCase unary(const std::string& name, const Unary& op, const Shape& sample, Draw draw = {}) {
  return {.name = name, .build = [=](Graph& graph) { return op(graph.input("x", sample)); }, .draws = {draw}};
}

inline OpCase binary(const std::string& name, const Binary& op, const Shape& a, const Shape& b,
                     std::vector<Draw> draws = {}) {
  const auto build = [=](Graph& graph) { return op(graph.input("a", a), graph.input("b", b)); };
  return {.name = name, .build = build, .draws = std::move(draws)};
}

inline OpCase batch_of(int64_t batch, OpCase op_case) {
  op_case.batch = batch;
  return op_case;
}

inline OpCase training(OpCase op_case) {
  op_case.training = true;
  return op_case;
}

inline OpCase speed(OpCase op_case) {
  op_case.speed = true;
  return op_case;
}

inline OpCase straight_through(OpCase op_case) {
  op_case.straight_through = true;
  return op_case;
}

inline OpCase tolerance(double tolerance, OpCase op_case) {
  op_case.tolerance = tolerance;
  return op_case;
}

std::vector<OpCase> shape_op_cases();     // op_cases_shape.cpp
std::vector<OpCase> function_op_cases();  // op_cases_functions.cpp
std::vector<OpCase> lookup_op_cases();    // op_cases_lookup.cpp

}  // namespace fovea::testing
