#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <limits>
#include <vector>

#include "op_cases.h"

// Runs an op's kernel, or its reference, one step forward and back on guarded memory.
namespace fovea::testing {

// Memory between two guard zones, aligned for T only: Step promises no more. Memory for results holds NaN, so that what
// a kernel forgets to write shows, between numbers; given values lie between NaN, so that what a kernel reads beside
// them shows. (Were both NaN, f(NaN) = NaN written beside a result would not.)
template <class T>
class Guarded {
 public:
  explicit Guarded(size_t size) : Guarded(size, std::numeric_limits<T>::quiet_NaN(), T(-12345)) {}
  explicit Guarded(const std::vector<T>& values) : Guarded(values.size(), 0, std::numeric_limits<T>::quiet_NaN()) {
    std::ranges::copy(values, data());
  }

  T* data() { return memory_.data() + guard; }
  std::vector<T> values() const { return {memory_.begin() + guard, memory_.end() - guard}; }
  bool intact() const {
    const auto as_before = [this](T value) { return std::memcmp(&value, &beside_, sizeof(T)) == 0; };
    return std::all_of(memory_.begin(), memory_.begin() + guard, as_before) &&
           std::all_of(memory_.end() - guard, memory_.end(), as_before);
  }

 private:
  static constexpr std::ptrdiff_t guard = 67;

  Guarded(size_t size, T inside, T beside) : memory_(size + 2 * guard, beside), beside_(beside) {
    std::fill(memory_.begin() + guard, memory_.end() - guard, inside);
  }

  std::vector<T> memory_;
  T beside_;
};

template <class T>
struct OpResults {
  std::vector<T> output;
  std::vector<std::vector<T>> parameters;           // after the step: running statistics have moved
  std::vector<std::vector<T>> input_gradients;      // empty where not wanted
  std::vector<std::vector<T>> parameter_gradients;  // empty where not wanted

  bool operator==(const OpResults&) const = default;
};

// What executes a step: a kernel, or the reference in float or double.
template <class T>
struct Runner {
  size_t saved_size = 0;
  size_t scratch_size = 0;
  std::function<void(const Step<T>&)> forward;
  std::function<void(const Step<T>&)> backward;
};
// Loads the step's parameters before every forward.
Runner<float> kernel_runner(Kernel& kernel);
template <class T>
Runner<T> reference_runner(const OpInstance& instance);

// Everything that can be asked of an op: gradients of all differentiable inputs and of the parameters.
PrepareOptions all_gradients(const OpInstance& instance);

// One step: forward, then backward for the gradients that `wanted` lists; the others get null pointers. Before
// backward, forward values that Op::backward_reads disclaims become NaN, as a memory planner would reuse them.
// Expects, by GoogleTest, that guard zones are intact and that nothing but results and running statistics has changed.
template <class T>
OpResults<T> run_step(const OpInstance& instance, const OpValues<T>& values, const Runner<T>& runner,
                      const PrepareOptions& wanted);

// The same through Op::prepare with memory shared as Op::in_place_input allows: output on that input, gradients
// likewise.
OpResults<float> run_in_place(const OpInstance& instance, const OpValues<float>& values);

OpValues<double> to_double(const OpValues<float>& values);

}  // namespace fovea::testing
