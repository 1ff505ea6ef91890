#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/byte_op.h"
#include "ops/op_base.h"
#include "ops/tail.h"

namespace fovea {

// Several ops run by one kernel: a head, and a tail that works on the head's output. Its inputs are the head's, then
// the residual; its parameters those of the head, then those of the tail's ops. It lives in plans only: it has no
// serialised form. For inference it has no gradients.
class FusedOp final : public OpBase<FusedOp>, public ByteOp {
 public:
  FusedOp(std::shared_ptr<const Op> head, bool training);

  // This with one op more, one of whose inputs is this one's output; null when the head's kernels cannot do it.
  // `shapes` are those of the op.
  std::shared_ptr<const FusedOp> extended(const std::shared_ptr<const Op>& next, const Signature& shapes) const;

  const Op& head() const { return *pieces_.front(); }
  const Tail& tail() const { return tail_; }

  std::string_view type() const override { return type_; }  // "conv + batch_norm + relu"
  Shape infer(std::span<const Shape> inputs) const override { return signatures(inputs).back().output; }
  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override;
  int64_t multiply_adds(const Signature& shapes) const override;
  Window window() const override { return pieces_.front()->window(); }
  BackwardReads backward_reads() const override { return {.inputs = true, .output = true}; }
  bool differentiable(size_t input) const override;
  std::optional<size_t> in_place_input() const override;
  bool writes_slices(const Signature& shapes) const override;
  bool reads_slices(size_t input) const override;
  size_t reference_saved_size(const Signature& shapes) const override;
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions& options) const override;

  bool byte_input(size_t input) const override;
  bool byte_output() const override { return tail_.output.has_value(); }
  std::unique_ptr<Kernel> prepare_bytes(const Signature& shapes, const PrepareOptions& options) const override;

  // One op after the other.
  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const;
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const;

 private:
  std::vector<Signature> signatures(std::span<const Shape> inputs) const;  // of every piece
  bool is_residual(size_t input) const { return residual_piece_ != 0 && input > 0; }
  template <class T>
  struct PieceStep;
  template <class T>
  std::vector<PieceStep<T>> piece_steps(const std::vector<Signature>& shapes, const Step<T>& step) const;

  std::vector<std::shared_ptr<const Op>> pieces_;
  size_t residual_piece_ = 0;  // the one that takes the residual; 0: none does
  Tail tail_;
  bool training_;
  std::string type_;
};

}  // namespace fovea
