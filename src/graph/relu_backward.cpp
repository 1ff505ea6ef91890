#include "graph/relu_backward.h"

#include <algorithm>
#include <utility>

namespace fovea {

namespace {

class RuledKernel final : public Kernel {
 public:
  RuledKernel(std::unique_ptr<Kernel> kernel, int64_t count, ReluBackward rule)
      : kernel_(std::move(kernel)), count_(count), rule_(rule) {}

  std::string algorithm() const override { return kernel_->algorithm(); }
  size_t saved_size() const override { return kernel_->saved_size(); }
  size_t scratch_size() const override { return kernel_->scratch_size(); }
  void forward(const Step<float>& step) override { kernel_->forward(step); }
  void backward(const Step<float>& step) override {
    const float* from = step.output_gradient;
    float* const to = step.input_gradients[0];
    if (rule_ == ReluBackward::guided) {
      kernel_->backward(step);
      from = to;
    }
    std::transform(from, from + count_, to, [](float gradient) { return std::max(gradient, 0.0F); });
  }

 private:
  std::unique_ptr<Kernel> kernel_;
  int64_t count_;
  ReluBackward rule_;
};

}  // namespace

bool is_relu(const Op& op) { return op.type() == "relu" || op.type() == "relu6"; }

std::unique_ptr<Kernel> with_relu_backward(std::unique_ptr<Kernel> kernel, const Shape& shape, ReluBackward rule) {
  if (rule == ReluBackward::gradient) return kernel;
  return std::make_unique<RuledKernel>(std::move(kernel), shape.elements(), rule);
}

}  // namespace fovea
