// Mean, sum, maximum and minimum over some of a value's axes.
#include "kernels/cpu/reduce.h"

#include <limits>
#include <vector>

#include "fovea/ops.h"
#include "kernels/cpu/broadcast.h"
#include "kernels/ref/reduce.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/table.h"

namespace fovea {

namespace {

using cpu::Reduction;

// dx = dy * scale, where dy repeats along the axes that were reduced.
void spread(const Shape& x, const Shape& kept, float scale, const float* dy, float* dx) {
  Broadcast shape = make_broadcast(kept, x);
  for (BroadcastAxis& axis : shape.axes) axis.b = 0;
  cpu::binary_forward(cpu::Binary::multiply, shape, dy, &scale, dx);
}

class SumKernel final : public Kernel {
 public:
  SumKernel(const Shape& x, const Shape& kept, double scale)
      : reduce_(x, kept), x_(x), kept_(kept), scale_(static_cast<float>(scale)) {}

  void forward(const Step<float>& step) override { reduce_.run(Reduction::sum, scale_, step.inputs[0], step.output); }
  void backward(const Step<float>& step) override {
    spread(x_, kept_, scale_, step.output_gradient, step.input_gradients[0]);
  }

 private:
  cpu::Reduce reduce_;
  Shape x_, kept_;
  float scale_;
};

class ChoiceKernel final : public Kernel {
 public:
  ChoiceKernel(Reduction reduction, const Shape& x, const Shape& kept)
      : reduction_(reduction), reduce_(x, kept), shape_(make_broadcast(x, kept)), count_(kept.elements()) {}

  size_t scratch_size() const override { return static_cast<size_t>(count_); }
  void forward(const Step<float>& step) override { reduce_.run(reduction_, 1, step.inputs[0], step.output); }
  void backward(const Step<float>& step) override {
    float* const dx = step.input_gradients[0];
    float* const shares = step.scratch;
    cpu::binary_forward(cpu::Binary::equal, shape_, step.inputs[0], step.output, dx);
    reduce_.run(Reduction::sum, 1, dx, shares);
    for (int64_t i = 0; i < count_; ++i) shares[i] = step.output_gradient[i] / shares[i];
    cpu::binary_forward(cpu::Binary::multiply, shape_, dx, shares, dx);
  }

 private:
  Reduction reduction_;
  cpu::Reduce reduce_;
  Broadcast shape_;
  int64_t count_;
};

struct Mean {
  static constexpr const char* type = "reduce_mean";
  static constexpr Reduction reduction = Reduction::sum;
};
struct Sum {
  static constexpr const char* type = "reduce_sum";
  static constexpr Reduction reduction = Reduction::sum;
};
struct Max {
  static constexpr const char* type = "reduce_max";
  static constexpr Reduction reduction = Reduction::maximum;
  static constexpr ref::Maximum better{};
  template <class T>
  static constexpr T worst = -std::numeric_limits<T>::infinity();
};
struct Min {
  static constexpr const char* type = "reduce_min";
  static constexpr Reduction reduction = Reduction::minimum;
  static constexpr ref::Minimum better{};
  template <class T>
  static constexpr T worst = std::numeric_limits<T>::infinity();
};

template <class Kind>
class ReduceOp final : public OpBase<ReduceOp<Kind>> {
 public:
  explicit ReduceOp(std::vector<int64_t> axes, bool keep) : axes_(std::move(axes)), keep_(keep) {}

  std::string_view type() const override { return Kind::type; }
  Attributes attributes() const override { return {{"axes", axes_}, {"keep", keep_}}; }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    const Shape& x = inputs[0];
    const std::vector<bool> reduced = reduced_axes(x);
    std::vector<int64_t> dims;
    for (int axis = 0; axis < x.rank(); ++axis) {
      if (!reduced[static_cast<size_t>(axis)]) {
        dims.push_back(x[axis]);
      } else if (keep_) {
        dims.push_back(1);
      }
    }
    if (dims.empty()) dims.push_back(1);
    return Shape(dims);
  }
  BackwardReads backward_reads() const override { return {.inputs = !is_sum, .output = !is_sum}; }
  Window window() const override { return {.extent = {}, .stride = {}, .whole = true}; }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    const Shape& x = shapes.inputs[0];
    if constexpr (is_sum) {
      ref::reduce_sum(x, kept(x), scale(shapes), step.inputs[0], step.output);
    } else {
      ref::reduce_choice(Kind::better, x, kept(x), Kind::template worst<T>, step.inputs[0], step.output);
    }
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    const Shape& x = shapes.inputs[0];
    if constexpr (is_sum) {
      ref::reduce_sum_backward(x, kept(x), scale(shapes), step.output_gradient, step.input_gradients[0]);
    } else {
      ref::reduce_choice_backward(x, kept(x), step.inputs[0], step.output, step.output_gradient,
                                  step.input_gradients[0]);
    }
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions&) const override {
    const Shape& x = shapes.inputs[0];
    if constexpr (is_sum) {
      return std::make_unique<SumKernel>(x, kept(x), scale(shapes));
    } else {
      return std::make_unique<ChoiceKernel>(Kind::reduction, x, kept(x));
    }
  }

 private:
  static constexpr bool is_sum = Kind::reduction == Reduction::sum;

  std::vector<bool> reduced_axes(const Shape& x) const {
    require(!axes_.empty(), "give at least one axis");
    std::vector<bool> reduced(static_cast<size_t>(x.rank()));
    for (const int64_t axis : axes_) {
      const auto at = static_cast<size_t>(checked_axis(axis, x));
      require(!reduced[at], "axis {} is given twice", axis);
      reduced[at] = true;
    }
    return reduced;
  }
  // x's shape with extent 1 on the axes that are reduced.
  Shape kept(const Shape& x) const {
    const std::vector<bool> reduced = reduced_axes(x);
    Shape result = x;
    for (int axis = 0; axis < x.rank(); ++axis) {
      if (reduced[static_cast<size_t>(axis)]) result = result.with_dim(axis, 1);
    }
    return result;
  }
  static double scale(const Signature& shapes) {
    if constexpr (!std::is_same_v<Kind, Mean>) return 1;
    return static_cast<double>(shapes.output.elements()) / static_cast<double>(shapes.inputs[0].elements());
  }

  std::vector<int64_t> axes_;
  bool keep_;
};

template <class Kind>
std::shared_ptr<const Op> make(AttributeReader& attributes) {
  std::vector<int64_t> axes = attributes.integers("axes");
  return std::make_shared<ReduceOp<Kind>>(std::move(axes), attributes.boolean("keep"));
}

template <class Kind>
Value build(Value x, const std::vector<int64_t>& axes, bool keep) {
  return x.graph().add("", std::make_shared<ReduceOp<Kind>>(axes, keep), {x});
}

}  // namespace

std::shared_ptr<const Op> make_reduce_mean(AttributeReader& attributes) { return make<Mean>(attributes); }
std::shared_ptr<const Op> make_reduce_sum(AttributeReader& attributes) { return make<Sum>(attributes); }
std::shared_ptr<const Op> make_reduce_max(AttributeReader& attributes) { return make<Max>(attributes); }
std::shared_ptr<const Op> make_reduce_min(AttributeReader& attributes) { return make<Min>(attributes); }

Value reduce_mean(Value x, const std::vector<int64_t>& axes, bool keep) { return build<Mean>(x, axes, keep); }
Value reduce_sum(Value x, const std::vector<int64_t>& axes, bool keep) { return build<Sum>(x, axes, keep); }
Value reduce_max(Value x, const std::vector<int64_t>& axes, bool keep) { return build<Max>(x, axes, keep); }
Value reduce_min(Value x, const std::vector<int64_t>& axes, bool keep) { return build<Min>(x, axes, keep); }

}  // namespace fovea
