// Axes in another order.
#include <algorithm>
#include <vector>

#include "fovea/ops.h"
#include "ops/checks.h"
#include "ops/permuting.h"
#include "ops/table.h"

namespace fovea {

namespace {

class TransposeOp final : public PermutingOp<TransposeOp> {
 public:
  explicit TransposeOp(std::vector<int64_t> axes) : axes_(std::move(axes)) {}

  std::string_view type() const override { return "transpose"; }
  Attributes attributes() const override { return {{"axes", axes_}}; }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    const Shape& x = inputs[0];
    bool each_once = std::ssize(axes_) == x.rank();
    for (int64_t axis = 0; axis < x.rank(); ++axis) each_once = each_once && std::ranges::count(axes_, axis) == 1;
    require(each_once, "axes must name each of the {} axes of {} once, got {}", x.rank(), to_string(x),
            fmt::join(axes_, " "));
    return Shape(permutation(x).output_dims());
  }
  Permutation permutation(const Shape& x) const {
    return {{x.dims().begin(), x.dims().end()}, {axes_.begin(), axes_.end()}};
  }

 private:
  std::vector<int64_t> axes_;
};

}  // namespace

std::shared_ptr<const Op> make_transpose(AttributeReader& attributes) {
  return std::make_shared<TransposeOp>(attributes.integers("axes"));
}

Value transpose(Value x, const std::vector<int64_t>& axes) {
  return x.graph().add("", std::make_shared<TransposeOp>(axes), {x});
}

}  // namespace fovea
