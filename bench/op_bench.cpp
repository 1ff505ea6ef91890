// Times one step of every speed case of the op table (tests/op_cases.cpp), fast and reference, and of its large cases:
//   bench_op --benchmark_filter=conv_resnet
// GMAC/s counts Op::multiply_adds; backward does twice as many (input and weight gradients).
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "fovea/tensor.h"
#include "op_cases.h"

namespace fovea::testing {
namespace {

// A kernel with all the memory its step points to.
class Bench {
 public:
  Bench(const OpCase& op_case, bool reference)
      : instance_(instantiate(op_case)), values_(draw_values(op_case, instance_)) {
    PrepareOptions options{.training = instance_.training, .input_gradients = {}, .parameter_gradients = true};
    for (size_t i = 0; i < values_.inputs.size(); ++i) {
      options.input_gradients.push_back(instance_.op->differentiable(i));
      inputs_.push_back(values_.inputs[i].data());
      input_gradients_.push_back(options.input_gradients[i] ? allocate(values_.inputs[i].size()) : nullptr);
    }
    for (size_t i = 0; i < values_.parameters.size(); ++i) {
      const size_t size = values_.parameters[i].size();
      parameters_.push_back(values_.parameters[i].data());
      parameter_gradients_.push_back(instance_.parameters[i].trainable ? allocate(size) : nullptr);
    }
    kernel_ = reference ? prepare_reference(*instance_.op, instance_.shapes)
                        : instance_.op->prepare(instance_.shapes, options);
    Tensor spare;
    kernel_->load(std::vector<const float*>(parameters_.begin(), parameters_.end()), spare);
    step_.inputs = inputs_;
    step_.output = allocate(static_cast<size_t>(instance_.shapes.output.elements()));
    step_.parameters = parameters_;
    step_.output_gradient = values_.output_gradient.data();
    step_.input_gradients = input_gradients_;
    step_.parameter_gradients = parameter_gradients_;
    step_.saved = allocate(kernel_->saved_size());
    step_.scratch = allocate(kernel_->scratch_size());
    step_.training = instance_.training;
  }

  void forward() { kernel_->forward(step_); }
  void backward() { kernel_->backward(step_); }
  double multiply_adds() const { return static_cast<double>(instance_.op->multiply_adds(instance_.shapes)); }

 private:
  float* allocate(size_t floats) { return memory_.emplace_back(make_buffer(floats)).data(); }

  OpInstance instance_;
  OpValues<float> values_;
  std::vector<Tensor> memory_;
  std::vector<const float*> inputs_;
  std::vector<float*> parameters_, input_gradients_, parameter_gradients_;
  std::unique_ptr<Kernel> kernel_;
  Step<float> step_;
};

enum class Pass { forward, backward };

void time_pass(benchmark::State& state, const OpCase& op_case, bool reference, Pass pass) {
  Bench bench(op_case, reference);
  bench.forward();  // backward reads its output
  for ([[maybe_unused]] auto unused : state) pass == Pass::forward ? bench.forward() : bench.backward();
  if (const double work = bench.multiply_adds() * (pass == Pass::forward ? 1 : 2); work > 0) {
    state.counters["GMAC/s"] = benchmark::Counter(work * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  }
}

void register_case(const OpCase& op_case, bool reference) {
  for (const Pass pass : {Pass::forward, Pass::backward}) {
    const std::string name =
        op_case.name + (pass == Pass::forward ? "/forward" : "/backward") + (reference ? "/reference" : "");
    benchmark::RegisterBenchmark(name.c_str(), time_pass, op_case, reference, pass)
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
  }
}

[[maybe_unused]] const bool registered = [] {
  for (const OpCase& op_case : op_cases()) {
    if (!op_case.speed) continue;
    register_case(op_case, false);
    register_case(op_case, true);
  }
  for (const OpCase& op_case : large_op_cases()) register_case(op_case, false);
  return true;
}();

}  // namespace
}  // namespace fovea::testing
