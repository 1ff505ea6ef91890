#include "ops/expanded.h"

#include <utility>

#include "core/saturate.h"
#include "kernels/cpu/expanded_depthwise.h"
#include "ops/convolution.h"
#include "ops/folded.h"

namespace fovea {

namespace {

std::shared_ptr<const FusedOp> as_fused(const std::shared_ptr<const Op>& op) {
  if (auto fused = std::dynamic_pointer_cast<const FusedOp>(op)) return fused;
  return std::make_shared<const FusedOp>(op, false);
}

ConvShape conv_shape(const FusedOp& op, const Shape& x) {
  return flattened(dynamic_cast<const Convolution&>(op.head()).conv_shape(x));
}

FoldedParameters folded_parameters(const FusedOp& op, const ConvShape& s) {
  return {&op.tail(), dynamic_cast<const Convolution&>(op.head()).has_bias(), s.filters, s.group_channels() * s.taps()};
}

class ExpandedKernel final : public Kernel {
 public:
  ExpandedKernel(const FusedOp& expansion, const ConvShape& expansion_shape, const FusedOp& depthwise,
                 const ConvShape& depthwise_shape, size_t expansion_parameters)
      : expansion_(folded_parameters(expansion, expansion_shape)),
        depthwise_(folded_parameters(depthwise, depthwise_shape)),
        kernel_(expansion_shape, depthwise_shape),
        expansion_parameters_(expansion_parameters) {}

  std::string algorithm() const override { return "expansion by panels, depthwise from cache"; }
  void load(std::span<const float* const> parameters, Tensor& spare) override {
    Tensor small;
    kernel_.load(expansion_.load(parameters.first(expansion_parameters_), spare),
                 depthwise_.load(parameters.subspan(expansion_parameters_), small));
  }
  bool copies_weight() const override { return true; }
  void forward(const Step<float>& step) override {
    Step<float> depthwise = step;
    depthwise.parameters = step.parameters.subspan(expansion_parameters_);
    kernel_.forward(step.inputs[0], expansion_.epilogue(step), depthwise_.epilogue(depthwise), step.output);
  }
  void backward(const Step<float>& /*step*/) override {}  // inference alone

 private:
  FoldedParameters expansion_;
  FoldedParameters depthwise_;
  cpu::ExpandedDepthwise kernel_;
  size_t expansion_parameters_;
};

}  // namespace

std::shared_ptr<const ExpandedOp> ExpandedOp::make(const std::shared_ptr<const Op>& first,
                                                   const std::shared_ptr<const Op>& second,
                                                   const std::vector<Shape>& inputs) {
  const std::shared_ptr<const FusedOp> expansion = as_fused(first);
  const std::shared_ptr<const FusedOp> depthwise = as_fused(second);
  for (const auto& op : {expansion, depthwise}) {
    if (dynamic_cast<const Convolution*>(&op->head()) == nullptr || op->tail().residual) return nullptr;
  }
  if (!cpu::ExpandedDepthwise::suits(conv_shape(*expansion, inputs[0]),
                                     conv_shape(*depthwise, expansion->infer(inputs)))) {
    return nullptr;
  }
  return std::make_shared<const ExpandedOp>(expansion, depthwise);
}

ExpandedOp::ExpandedOp(std::shared_ptr<const FusedOp> expansion, std::shared_ptr<const FusedOp> depthwise)
    : expansion_(std::move(expansion)),
      depthwise_(std::move(depthwise)),
      type_(std::string(expansion_->type()) + " + " + std::string(depthwise_->type())) {}

std::vector<Signature> ExpandedOp::signatures(std::span<const Shape> inputs) const {
  Signature expansion = {{inputs.begin(), inputs.end()}, expansion_->infer(inputs)};
  Signature depthwise = {{expansion.output}, {}};
  depthwise.output = depthwise_->infer(depthwise.inputs);
  return {std::move(expansion), std::move(depthwise)};
}

std::vector<ParameterSpec> ExpandedOp::parameters(std::span<const Shape> inputs) const {
  const std::vector<Signature> shapes = signatures(inputs);
  std::vector<ParameterSpec> all = expansion_->parameters(shapes[0].inputs);
  for (ParameterSpec& spec : depthwise_->parameters(shapes[1].inputs)) all.push_back(std::move(spec));
  return all;
}

int64_t ExpandedOp::multiply_adds(const Signature& shapes) const {
  const std::vector<Signature> each = signatures(shapes.inputs);
  return saturating_add(expansion_->multiply_adds(each[0]), depthwise_->multiply_adds(each[1]));
}

template <class T>
void ExpandedOp::forward(const Signature& shapes, const Step<T>& step) const {
  const std::vector<Signature> each = signatures(shapes.inputs);
  const size_t first_parameters = expansion_->parameters(each[0].inputs).size();
  std::vector<T> saved(expansion_->reference_saved_size(each[0]));
  std::vector<T> wide(static_cast<size_t>(each[0].output.elements()));
  Step<T> expansion = step;
  expansion.parameters = step.parameters.first(first_parameters);
  expansion.saved = saved.data();
  expansion.output = wide.data();
  expansion_->reference_forward(each[0], expansion);
  saved.resize(depthwise_->reference_saved_size(each[1]));
  const std::vector<const T*> inputs = {wide.data()};
  Step<T> depthwise = step;
  depthwise.inputs = inputs;
  depthwise.parameters = step.parameters.subspan(first_parameters);
  depthwise.saved = saved.data();
  depthwise_->reference_forward(each[1], depthwise);
}

std::unique_ptr<Kernel> ExpandedOp::prepare(const Signature& shapes, const PrepareOptions& /*options*/) const {
  const std::vector<Signature> each = signatures(shapes.inputs);
  return std::make_unique<ExpandedKernel>(*expansion_, conv_shape(*expansion_, each[0].inputs[0]), *depthwise_,
                                          conv_shape(*depthwise_, each[1].inputs[0]),
                                          expansion_->parameters(each[0].inputs).size());
}

}  // namespace fovea
