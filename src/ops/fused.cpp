#include "ops/fused.h"

#include <algorithm>

#include "core/saturate.h"

namespace fovea {

FusedOp::FusedOp(std::shared_ptr<const Op> head, bool training)
    : pieces_{std::move(head)}, training_(training), type_(pieces_.front()->type()) {}

std::shared_ptr<const FusedOp> FusedOp::extended(const std::shared_ptr<const Op>& next, const Signature& shapes) const {
  Tail tail = tail_;
  if (!next->join(shapes, tail) || !pieces_.front()->fuses(tail, training_)) return nullptr;
  auto longer = std::make_shared<FusedOp>(pieces_.front(), training_);
  longer->pieces_ = pieces_;
  longer->pieces_.push_back(next);
  longer->residual_piece_ = tail.residual && !tail_.residual ? pieces_.size() : residual_piece_;
  longer->tail_ = tail;
  longer->type_ = type_ + " + " + std::string(next->type());
  return longer;
}

std::vector<Signature> FusedOp::signatures(std::span<const Shape> inputs) const {
  std::vector<Signature> result;
  for (size_t k = 0; k < pieces_.size(); ++k) {
    Signature shapes;
    if (k == 0) {
      shapes.inputs.assign(inputs.begin(), inputs.end() - (residual_piece_ != 0 ? 1 : 0));
    } else {
      shapes.inputs.push_back(result.back().output);
      if (k == residual_piece_) shapes.inputs.push_back(inputs.back());
    }
    shapes.output = pieces_[k]->infer(shapes.inputs);
    result.push_back(std::move(shapes));
  }
  return result;
}

std::vector<ParameterSpec> FusedOp::parameters(std::span<const Shape> inputs) const {
  const std::vector<Signature> shapes = signatures(inputs);
  std::vector<ParameterSpec> all;
  for (size_t k = 0; k < pieces_.size(); ++k) {
    for (ParameterSpec& spec : pieces_[k]->parameters(shapes[k].inputs)) {
      spec.trainable = spec.trainable && training_;
      all.push_back(std::move(spec));
    }
  }
  return all;
}

int64_t FusedOp::multiply_adds(const Signature& shapes) const {
  const std::vector<Signature> pieces = signatures(shapes.inputs);
  int64_t sum = 0;
  for (size_t k = 0; k < pieces_.size(); ++k) sum = saturating_add(sum, pieces_[k]->multiply_adds(pieces[k]));
  return sum;
}

bool FusedOp::differentiable(size_t input) const {
  return training_ && (is_residual(input) || pieces_.front()->differentiable(input));
}

// Kernels add the residual to a sum just before they write it.
std::optional<size_t> FusedOp::in_place_input() const {
  if (residual_piece_ == 0) return std::nullopt;
  return 1;
}

// Kernels find the residual where they write the output.
bool FusedOp::writes_slices(const Signature& shapes) const {
  return residual_piece_ == 0 && pieces_.front()->writes_slices(signatures(shapes.inputs).front());
}
bool FusedOp::reads_slices(size_t input) const { return !is_residual(input) && pieces_.front()->reads_slices(input); }

size_t FusedOp::reference_saved_size(const Signature& shapes) const {
  const std::vector<Signature> pieces = signatures(shapes.inputs);
  size_t size = 0;
  for (size_t k = 0; k < pieces_.size(); ++k) {
    size += pieces_[k]->reference_saved_size(pieces[k]);
    if (k + 1 < pieces_.size()) size += static_cast<size_t>(pieces[k].output.elements());
  }
  return size;
}

// A step whose spans point to vectors of its own.
template <class T>
struct FusedOp::PieceStep {
  std::vector<const T*> inputs;
  Step<T> step;
};

template <class T>
std::vector<FusedOp::PieceStep<T>> FusedOp::piece_steps(const std::vector<Signature>& shapes,
                                                        const Step<T>& step) const {
  std::vector<PieceStep<T>> result(pieces_.size());
  T* saved = step.saved;
  size_t first_parameter = 0;
  for (size_t k = 0; k < pieces_.size(); ++k) {
    PieceStep<T>& piece = result[k];
    if (k == 0) {
      piece.inputs.assign(step.inputs.begin(),
                          step.inputs.begin() + static_cast<std::ptrdiff_t>(shapes[0].inputs.size()));
    } else {
      piece.inputs.push_back(result[k - 1].step.output);
      if (k == residual_piece_) piece.inputs.push_back(step.inputs.back());
    }
    const size_t parameters = pieces_[k]->parameters(shapes[k].inputs).size();
    piece.step = step;
    piece.step.inputs = piece.inputs;
    piece.step.parameters = step.parameters.subspan(first_parameter, parameters);
    if (!step.parameter_gradients.empty()) {
      piece.step.parameter_gradients = step.parameter_gradients.subspan(first_parameter, parameters);
    }
    first_parameter += parameters;
    piece.step.saved = saved;
    saved += pieces_[k]->reference_saved_size(shapes[k]);
    if (k + 1 < pieces_.size()) {
      piece.step.output = saved;
      saved += shapes[k].output.elements();
    }
  }
  return result;
}

template <class T>
void FusedOp::forward(const Signature& shapes, const Step<T>& step) const {
  const std::vector<Signature> pieces = signatures(shapes.inputs);
  const std::vector<PieceStep<T>> steps = piece_steps(pieces, step);
  for (size_t k = 0; k < pieces_.size(); ++k) pieces_[k]->reference_forward(pieces[k], steps[k].step);
}

template <class T>
void FusedOp::backward(const Signature& shapes, const Step<T>& step) const {
  const std::vector<Signature> pieces = signatures(shapes.inputs);
  const std::vector<PieceStep<T>> steps = piece_steps(pieces, step);
  std::vector<T> gradient(step.output_gradient, step.output_gradient + shapes.output.elements());
  for (size_t k = pieces_.size(); k-- > 0;) {
    Step<T> piece = steps[k].step;
    piece.output_gradient = gradient.data();
    if (k == 0) {
      piece.input_gradients = step.input_gradients.first(pieces[0].inputs.size());
      pieces_[0]->reference_backward(pieces[0], piece);
      return;
    }
    std::vector<T> before(static_cast<size_t>(pieces[k - 1].output.elements()));
    std::vector<T*> gradients = {before.data()};
    if (k == residual_piece_) gradients.push_back(step.input_gradients.back());
    piece.input_gradients = gradients;
    pieces_[k]->reference_backward(pieces[k], piece);
    gradient = std::move(before);
  }
}

std::unique_ptr<Kernel> FusedOp::prepare(const Signature& shapes, const PrepareOptions& options) const {
  if (as_byte_op(*this) != nullptr) return prepare_bytes_for_floats(*this, shapes, options);
  PrepareOptions with_tail = options;
  with_tail.tail = &tail_;
  return pieces_.front()->prepare(signatures(shapes.inputs).front(), with_tail);
}

bool FusedOp::byte_input(size_t input) const {
  if (is_residual(input)) return tail_.residual_bytes.has_value();
  const ByteOp* const head = as_byte_op(*pieces_.front());
  return head != nullptr && head->byte_input(input);
}

std::unique_ptr<Kernel> FusedOp::prepare_bytes(const Signature& shapes, const PrepareOptions& options) const {
  PrepareOptions with_tail = options;
  with_tail.tail = &tail_;
  return as_byte_op(*pieces_.front())->prepare_bytes(signatures(shapes.inputs).front(), with_tail);
}

}  // namespace fovea
