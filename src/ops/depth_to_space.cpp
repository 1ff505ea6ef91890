// Channels to pixels of a larger picture, and back: {N, H, W, C b b} <-> {N, H b, W b, C}.
#include "fovea/ops.h"
#include "ops/checks.h"
#include "ops/permuting.h"
#include "ops/table.h"

namespace fovea {

namespace {

constexpr int64_t largest_block = int64_t{1} << 12;

// {N, H b, W b, C} seen as {N, H, b, W, b, C}, and the way from there to {N, H, W, channels of a block}.
Permutation to_depth(const Shape& picture, int64_t b, bool depth_first) {
  const std::vector<int64_t> dims = {picture[0], picture[1] / b, b, picture[2] / b, b, picture[3]};
  return {dims, depth_first ? std::vector<int>{0, 1, 3, 2, 4, 5} : std::vector<int>{0, 1, 3, 5, 2, 4}};
}

template <class Derived>
class BlockOp : public PermutingOp<Derived> {
 public:
  BlockOp(int64_t block, bool depth_first) : block_(block), depth_first_(depth_first) {}

  Attributes attributes() const override { return {{"block", block_}, {"depth_first", depth_first_}}; }

 protected:
  void check(std::span<const Shape> inputs) const {
    require_inputs(inputs, 1);
    require_rank(inputs[0], 4, "{N, H, W, C}");
    require(block_ >= 1 && block_ <= largest_block, "block must be between 1 and {}, got {}", largest_block, block_);
  }

  int64_t block_;
  bool depth_first_;
};

class DepthToSpaceOp final : public BlockOp<DepthToSpaceOp> {
 public:
  using BlockOp::BlockOp;
  std::string_view type() const override { return "depth_to_space"; }
  Shape infer(std::span<const Shape> inputs) const override {
    check(inputs);
    const Shape& x = inputs[0];
    require(x[3] % (block_ * block_) == 0, "{} channels cannot be divided among blocks of {}x{}", x[3], block_, block_);
    return {x[0], x[1] * block_, x[2] * block_, x[3] / (block_ * block_)};
  }
  Permutation permutation(const Shape& x) const {
    return to_depth(infer(std::span(&x, 1)), block_, depth_first_).inverse();
  }
};

class SpaceToDepthOp final : public BlockOp<SpaceToDepthOp> {
 public:
  using BlockOp::BlockOp;
  std::string_view type() const override { return "space_to_depth"; }
  Shape infer(std::span<const Shape> inputs) const override {
    check(inputs);
    const Shape& x = inputs[0];
    require(x[1] % block_ == 0 && x[2] % block_ == 0, "the {}x{} picture does not fall into blocks of {}x{}", x[1],
            x[2], block_, block_);
    return {x[0], x[1] / block_, x[2] / block_, x[3] * block_ * block_};
  }
  Window window() const override { return {.extent = {block_, block_}, .stride = {block_, block_}}; }
  Permutation permutation(const Shape& x) const { return to_depth(x, block_, depth_first_); }
};

template <class BlockOp>
std::shared_ptr<const Op> make(AttributeReader& attributes) {
  const int64_t block = attributes.integer("block");
  return std::make_shared<BlockOp>(block, attributes.boolean("depth_first"));
}

}  // namespace

std::shared_ptr<const Op> make_depth_to_space(AttributeReader& attributes) { return make<DepthToSpaceOp>(attributes); }
std::shared_ptr<const Op> make_space_to_depth(AttributeReader& attributes) { return make<SpaceToDepthOp>(attributes); }

Value depth_to_space(Value x, int64_t block, bool depth_first) {
  return x.graph().add("", std::make_shared<DepthToSpaceOp>(block, depth_first), {x});
}
Value space_to_depth(Value x, int64_t block, bool depth_first) {
  return x.graph().add("", std::make_shared<SpaceToDepthOp>(block, depth_first), {x});
}

}  // namespace fovea
