// A picture sampled at places that another value names. No gradient flows into the places.
#include "kernels/ref/grid_sample.h"

#include <array>
#include <utility>

#include "fovea/lookup_ops.h"
#include "ops/checks.h"
#include "ops/lookup_ops.h"
#include "ops/op_base.h"

namespace fovea {

namespace {

constexpr std::array methods = {std::pair<std::string_view, GridInterpolation>{"linear", GridInterpolation::linear},
                                std::pair<std::string_view, GridInterpolation>{"nearest", GridInterpolation::nearest},
                                std::pair<std::string_view, GridInterpolation>{"cubic", GridInterpolation::cubic}};
constexpr std::array paddings = {std::pair<std::string_view, GridPadding>{"zeros", GridPadding::zeros},
                                 std::pair<std::string_view, GridPadding>{"border", GridPadding::border},
                                 std::pair<std::string_view, GridPadding>{"reflection", GridPadding::reflection}};

class GridSampleOp final : public OpBase<GridSampleOp> {
 public:
  GridSampleOp(GridInterpolation method, GridPadding padding, bool align_corners)
      : method_(method), padding_(padding), align_corners_(align_corners) {}

  std::string_view type() const override { return "grid_sample"; }
  Attributes attributes() const override {
    return {{"method", choice_name(method_, methods)},
            {"padding", choice_name(padding_, paddings)},
            {"align_corners", align_corners_}};
  }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 2);
    require_rank(inputs[0], 4, "a picture {N, H, W, C}");
    require_rank(inputs[1], 4, "a grid {N, H', W', 2}");
    require(inputs[1].back() == 2 && inputs[0][0] == inputs[1][0], "a grid {} does not fit a picture {}",
            to_string(inputs[1]), to_string(inputs[0]));
    return inputs[1].with_dim(3, inputs[0][3]);
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  bool differentiable(size_t input) const override { return input == 0; }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::grid_sample_forward(geometry(shapes), step.inputs[0], step.inputs[1], step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    if (!step.input_gradients[0]) return;
    ref::grid_sample_backward(geometry(shapes), step.inputs[1], step.output_gradient, step.input_gradients[0]);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions&) const override {
    return prepare_reference(*this, shapes);
  }

 private:
  GridSampleShape geometry(const Signature& shapes) const {
    const Shape& x = shapes.inputs[0];
    const Shape& y = shapes.output;
    return {x[0], x[1], x[2], x[3], y[1] * y[2], method_, padding_, align_corners_};
  }

  GridInterpolation method_;
  GridPadding padding_;
  bool align_corners_;
};

}  // namespace

std::shared_ptr<const Op> make_grid_sample(AttributeReader& attributes) {
  const auto method = read_choice<GridInterpolation>(attributes, "method", methods);
  const auto padding = read_choice<GridPadding>(attributes, "padding", paddings);
  return std::make_shared<GridSampleOp>(method, padding, attributes.boolean("align_corners"));
}

Value grid_sample(Value x, Value grid, const GridSampleOptions& options) {
  const auto op = std::make_shared<GridSampleOp>(options.method, options.padding, options.align_corners);
  return x.graph().add("", op, {x, grid});
}

}  // namespace fovea
