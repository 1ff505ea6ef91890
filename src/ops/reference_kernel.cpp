#include "fovea/op.h"

namespace fovea {

namespace {

class ReferenceKernel final : public Kernel {
 public:
  ReferenceKernel(const Op& op, const Signature& shapes) : op_(op), shapes_(shapes) {}

  std::string algorithm() const override { return "reference"; }
  size_t saved_size() const override { return op_.reference_saved_size(shapes_); }
  void forward(const Step<float>& step) override { op_.reference_forward(shapes_, step); }
  void backward(const Step<float>& step) override { op_.reference_backward(shapes_, step); }

 private:
  const Op& op_;
  Signature shapes_;
};

}  // namespace

std::unique_ptr<Kernel> prepare_reference(const Op& op, const Signature& shapes) {
  return std::make_unique<ReferenceKernel>(op, shapes);
}

}  // namespace fovea
