#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "fovea/graph.h"

// The one table of op cases. It drives the comparison of fast kernels with their reference, the gradient checks, the
// guard-zone checks, the comparison with PyTorch and the benchmark: a new op needs only its lines in op_cases.cpp.
namespace fovea::testing {

// How an input is filled. Every element is a pure function of its index, so that golden/make_ops.py computes the same.
struct Draw {
  enum class Kind {
    uniform,   // in [low, high)
    off_zero,  // in [-1, 1), then moved 0.05 away from 0: finite differences do not cross the kink
    distinct,  // a shuffle of multiples of 1/512: the maximum of a window stays where it is under small steps
    classes,   // whole numbers in [0, high)
  };
  Kind kind = Kind::uniform;
  double low = -1;
  double high = 1;

  static Draw uniform(double low, double high) { return {Kind::uniform, low, high}; }
  static Draw off_zero() { return {Kind::off_zero}; }
  static Draw distinct() { return {Kind::distinct}; }
  static Draw classes(int64_t count) { return {Kind::classes, 0, static_cast<double>(count)}; }
};

struct OpCase {
  std::string name;                    // letters, digits and underscores
  std::function<Value(Graph&)> build;  // adds the inputs and one node, or a chain that is fused into one
  std::vector<Draw> draws = {};        // per input; those left out are uniform in [-1, 1)
  bool training = false;               // batch statistics and dropout on
  int64_t batch = 2;
  double tolerance = 2e-6;                 // of a fast kernel, relative to the largest magnitude in the tensor compared
  bool speed = false;                      // timed by bench/op_bench; too large for finite differences
  bool straight_through = false;           // the gradient is by convention not the derivative
  std::vector<Draw> parameter_draws = {};  // per parameter; those left out lie around their initial value
};

inline void PrintTo(const OpCase& op_case, std::ostream* out) { *out << op_case.name; }

const std::vector<OpCase>& op_cases();
// Those of sequences, volumes and transposed convolutions: a part of the table.
std::vector<OpCase> rank_op_cases();
// Those of whole numbers in the place of real ones, likewise.
std::vector<OpCase> quantized_op_cases();
// Layers of known networks, for the benchmark alone: too large for the reference.
const std::vector<OpCase>& large_op_cases();
// Throws std::out_of_range when there is none of that name.
const OpCase& op_case(const std::string& name);

// The node of a case with its shapes for the case's batch.
struct OpInstance {
  std::shared_ptr<const Op> op;
  Signature shapes;
  std::vector<ParameterSpec> parameters;
  bool training = false;
};
OpInstance instantiate(const OpCase& op_case);

template <class T>
struct OpValues {
  std::vector<std::vector<T>> inputs;
  std::vector<std::vector<T>> parameters;
  std::vector<T> output_gradient;
};
// Inputs as the case draws them; parameters around their initial value (weights and zeros in [-0.5, 0.5), ones in
// [0.5, 1.5)); the output's gradient in [-1, 1).
OpValues<float> draw_values(const OpCase& op_case, const OpInstance& instance);

}  // namespace fovea::testing
