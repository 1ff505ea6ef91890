// Other extents for the same elements in the same order.
#include <algorithm>
#include <vector>

#include "core/saturate.h"
#include "fovea/ops.h"
#include "ops/checks.h"
#include "ops/permuting.h"
#include "ops/table.h"

namespace fovea {

namespace {

class ReshapeOp final : public PermutingOp<ReshapeOp> {
 public:
  explicit ReshapeOp(std::vector<int64_t> shape) : shape_(std::move(shape)) {}

  std::string_view type() const override { return "reshape"; }
  Attributes attributes() const override { return {{"shape", shape_}}; }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    const Shape& x = inputs[0];
    require(!shape_.empty() && shape_.size() <= Shape::max_rank, "shape must have 1 to {} extents, got {}",
            Shape::max_rank, shape_.size());
    std::vector<int64_t> dims = shape_;
    for (size_t axis = 0; axis < dims.size(); ++axis) {
      require(dims[axis] >= -1, "extents must be positive, 0 or -1, got {}", dims[axis]);
      if (dims[axis] != 0) continue;
      require(static_cast<int>(axis) < x.rank(), "extent {} is to be the input's, which is {}", axis, to_string(x));
      dims[axis] = x[static_cast<int>(axis)];
    }
    const auto open = std::ranges::find(dims, -1);
    if (open != dims.end()) {
      *open = 1;
      require(std::ranges::count(dims, -1) == 0, "at most one extent may be -1, got {}", fmt::join(shape_, "x"));
      const int64_t rest = saturating_product(dims);
      *open = rest > 0 ? x.elements() / rest : 0;
    }
    require(saturating_product(dims) == x.elements(), "{} has {} elements, which do not make {}", to_string(x),
            x.elements(), fmt::join(shape_, "x"));
    return Shape(dims);
  }
  bool is_identity(bool) const override { return true; }
  std::optional<size_t> in_place_input() const override { return std::nullopt; }
  static Permutation permutation(const Shape& x) { return {{x.elements()}, {0}}; }

 private:
  std::vector<int64_t> shape_;
};

}  // namespace

std::shared_ptr<const Op> make_reshape(AttributeReader& attributes) {
  return std::make_shared<ReshapeOp>(attributes.integers("shape"));
}

Value reshape(Value x, const std::vector<int64_t>& shape) {
  return x.graph().add("", std::make_shared<ReshapeOp>(shape), {x});
}

}  // namespace fovea
