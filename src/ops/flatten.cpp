// Flatten: {N, spatial..., C} -> {N, C * spatial...}, channel by channel as PyTorch lays out a picture.
#include <algorithm>

#include "fovea/ops.h"
#include "ops/checks.h"
#include "ops/permuting.h"
#include "ops/table.h"

namespace fovea {

namespace {

class FlattenOp final : public PermutingOp<FlattenOp> {
 public:
  std::string_view type() const override { return "flatten"; }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    require(inputs[0].rank() >= 2, "expects a batch of samples (rank 2 or more), got {} (rank {})",
            to_string(inputs[0]), inputs[0].rank());
    return {inputs[0][0], inputs[0].without_batch().elements()};
  }
  static Permutation permutation(const Shape& x) {
    const int64_t positions = x.elements() / std::max<int64_t>(1, x[0] * x.back());
    return {{x[0], positions, x.back()}, {0, 2, 1}};
  }
};

}  // namespace

std::shared_ptr<const Op> make_flatten(AttributeReader&) { return std::make_shared<FlattenOp>(); }

Value flatten(Value x) { return x.graph().add("", std::make_shared<FlattenOp>(), {x}); }

}  // namespace fovea
