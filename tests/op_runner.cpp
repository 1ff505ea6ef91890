#include "op_runner.h"

#include <gtest/gtest.h>

#include <string>

namespace fovea::testing {

Runner<float> kernel_runner(Kernel& kernel) {
  const auto forward = [&kernel](const Step<float>& step) {
    Tensor spare;
    kernel.load(std::vector<const float*>(step.parameters.begin(), step.parameters.end()), spare);
    kernel.forward(step);
  };
  const auto backward = [&kernel](const Step<float>& step) { kernel.backward(step); };
  return {kernel.saved_size(), kernel.scratch_size(), forward, backward};
}

template <class T>
Runner<T> reference_runner(const OpInstance& instance) {
  const auto forward = [&](const Step<T>& step) { instance.op->reference_forward(instance.shapes, step); };
  const auto backward = [&](const Step<T>& step) { instance.op->reference_backward(instance.shapes, step); };
  return {instance.op->reference_saved_size(instance.shapes), 0, forward, backward};
}
template Runner<float> reference_runner<float>(const OpInstance& instance);
template Runner<double> reference_runner<double>(const OpInstance& instance);

PrepareOptions all_gradients(const OpInstance& instance) {
  PrepareOptions options{.training = instance.training, .input_gradients = {}, .parameter_gradients = true};
  for (size_t i = 0; i < instance.shapes.inputs.size(); ++i) {
    options.input_gradients.push_back(instance.op->differentiable(i));
  }
  return options;
}

namespace {

// Tensors in guarded memory; one without elements stands for a null pointer.
template <class T>
struct Tensors {
  std::vector<Guarded<T>> memory;
  std::vector<T*> pointers;

  void add(Guarded<T> tensor) {
    memory.push_back(std::move(tensor));
    pointers.push_back(memory.back().data());
  }
  void add_null() {
    memory.emplace_back(0);
    pointers.push_back(nullptr);
  }
  std::vector<const T*> const_pointers() const { return {pointers.begin(), pointers.end()}; }
  std::vector<std::vector<T>> values() const {
    std::vector<std::vector<T>> result;
    for (const Guarded<T>& tensor : memory) result.push_back(tensor.values());
    return result;
  }
  void expect_intact(const std::string& what) const {
    for (size_t i = 0; i < memory.size(); ++i) EXPECT_TRUE(memory[i].intact()) << "wrote beside " << what << " " << i;
  }
};

template <class T>
Tensors<T> filled(const std::vector<std::vector<T>>& values) {
  Tensors<T> tensors;
  for (const auto& tensor : values) tensors.add(Guarded<T>(tensor));
  return tensors;
}

template <class T>
Tensors<T> lost(const std::vector<std::vector<T>>& values) {
  Tensors<T> tensors;
  for (const auto& tensor : values) tensors.add(Guarded<T>(tensor.size()));
  return tensors;
}

template <class T>
void run_backward(const OpInstance& instance, const OpValues<T>& values, const Runner<T>& runner,
                  const PrepareOptions& wanted, Step<T> step, OpResults<T>& results) {
  const BackwardReads reads = instance.op->backward_reads();
  Tensors<T> inputs = reads.inputs ? filled(values.inputs) : lost(values.inputs);
  Guarded<T> output = reads.output ? Guarded<T>(results.output) : Guarded<T>(results.output.size());
  Guarded<T> scratch(runner.scratch_size);
  Guarded<T> output_gradient(values.output_gradient);
  Tensors<T> input_gradients;
  for (size_t i = 0; i < values.inputs.size(); ++i) {
    const bool is_wanted = i < wanted.input_gradients.size() && wanted.input_gradients[i];
    is_wanted ? input_gradients.add(Guarded<T>(values.inputs[i].size())) : input_gradients.add_null();
  }
  Tensors<T> parameter_gradients;
  for (size_t i = 0; i < values.parameters.size(); ++i) {
    const bool is_wanted = wanted.parameter_gradients && instance.parameters[i].trainable;
    is_wanted ? parameter_gradients.add(Guarded<T>(values.parameters[i].size())) : parameter_gradients.add_null();
  }
  const auto input_pointers = inputs.const_pointers();
  step.inputs = input_pointers;
  step.output = output.data();
  step.scratch = scratch.data();
  step.output_gradient = output_gradient.data();
  step.input_gradients = input_gradients.pointers;
  step.parameter_gradients = parameter_gradients.pointers;
  runner.backward(step);

  EXPECT_EQ(output_gradient.values(), values.output_gradient) << "backward changed the output's gradient";
  EXPECT_TRUE(output_gradient.intact()) << "wrote beside the output's gradient";
  EXPECT_TRUE(output.intact()) << "backward wrote beside the output";
  EXPECT_TRUE(scratch.intact()) << "backward wrote beside scratch";
  inputs.expect_intact("input");
  input_gradients.expect_intact("input gradient");
  parameter_gradients.expect_intact("parameter gradient");
  results.input_gradients = input_gradients.values();
  results.parameter_gradients = parameter_gradients.values();
}

}  // namespace

template <class T>
OpResults<T> run_step(const OpInstance& instance, const OpValues<T>& values, const Runner<T>& runner,
                      const PrepareOptions& wanted) {
  const Tensors<T> inputs = filled(values.inputs);
  const Tensors<T> parameters = filled(values.parameters);
  Guarded<T> output(static_cast<size_t>(instance.shapes.output.elements()));
  Guarded<T> saved(runner.saved_size);
  Guarded<T> scratch(runner.scratch_size);

  const auto input_pointers = inputs.const_pointers();
  Step<T> step;
  step.inputs = input_pointers;
  step.output = output.data();
  step.parameters = parameters.pointers;
  step.saved = saved.data();
  step.scratch = scratch.data();
  step.random = Random(7);
  step.training = instance.training;
  runner.forward(step);

  OpResults<T> results{output.values(), parameters.values(), {}, {}};
  if (!wanted.input_gradients.empty() || wanted.parameter_gradients) {
    run_backward(instance, values, runner, wanted, step, results);
  }
  EXPECT_EQ(inputs.values(), values.inputs) << "changed an input";
  EXPECT_EQ(output.values(), results.output) << "backward changed the output";
  EXPECT_EQ(parameters.values(), results.parameters) << "backward changed a parameter";
  for (size_t i = 0; i < values.parameters.size(); ++i) {
    if (instance.training && !instance.parameters[i].trainable) continue;
    EXPECT_EQ(results.parameters[i], values.parameters[i]) << "changed " << instance.parameters[i].name;
  }
  EXPECT_TRUE(output.intact()) << "wrote beside the output";
  EXPECT_TRUE(saved.intact()) << "wrote beside saved";
  EXPECT_TRUE(scratch.intact()) << "wrote beside scratch";
  inputs.expect_intact("input");
  parameters.expect_intact("parameter");
  return results;
}
template OpResults<float> run_step(const OpInstance&, const OpValues<float>&, const Runner<float>&,
                                   const PrepareOptions&);
template OpResults<double> run_step(const OpInstance&, const OpValues<double>&, const Runner<double>&,
                                    const PrepareOptions&);

OpResults<float> run_in_place(const OpInstance& instance, const OpValues<float>& values) {
  const PrepareOptions wanted = all_gradients(instance);
  const auto kernel = instance.op->prepare(instance.shapes, wanted);
  Runner<float> shared = kernel_runner(*kernel);
  const auto forward = shared.forward;
  const auto backward = shared.backward;
  const size_t input = instance.op->in_place_input().value();
  const size_t count = values.inputs[input].size();
  // Inside, the input lies in the output's memory and the gradient of the output in that of the input.
  shared.forward = [&](Step<float> step) {
    std::vector<const float*> inputs(step.inputs.begin(), step.inputs.end());
    std::copy_n(inputs[input], count, step.output);
    inputs[input] = step.output;
    step.inputs = inputs;
    forward(step);
  };
  shared.backward = [&](Step<float> step) {
    std::vector<const float*> inputs(step.inputs.begin(), step.inputs.end());
    inputs[input] = step.output;
    step.inputs = inputs;
    if (float* const shared_gradient = step.input_gradients[input]) {
      std::copy_n(step.output_gradient, count, shared_gradient);
      step.output_gradient = shared_gradient;
    }
    backward(step);
  };
  return run_step(instance, values, shared, wanted);
}

OpValues<double> to_double(const OpValues<float>& values) {
  const auto widen = [](const std::vector<float>& tensor) { return std::vector<double>(tensor.begin(), tensor.end()); };
  OpValues<double> result;
  for (const auto& tensor : values.inputs) result.inputs.push_back(widen(tensor));
  for (const auto& tensor : values.parameters) result.parameters.push_back(widen(tensor));
  result.output_gradient = widen(values.output_gradient);
  return result;
}

}  // namespace fovea::testing
