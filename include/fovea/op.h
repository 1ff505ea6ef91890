#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fovea/random.h"
#include "fovea/shape.h"
#include "fovea/tensor.h"

// What an operation of a network is. Each op is one class in one file under src/ops, listed in src/ops/table.cpp.
// The builders that people call (conv, relu, ...) are in ops.h; this header is for those who add an op.
namespace fovea {

// The serialised form of an op's options: plain values by name.
using Attribute = std::variant<bool, int64_t, double, std::string, std::vector<int64_t>, std::vector<double>>;
using Attributes = std::map<std::string, Attribute>;

// How a fresh parameter is filled. `weight` means by the network's initialiser (Xavier, He ...) from the fans.
enum class Fill { zeros, ones, weight, constant };

struct ParameterSpec {
  std::string name;  // "weight"; the graph prefixes the node: "conv1.weight"; empty: the node's name alone
  Shape shape;       // in PyTorch's order
  Fill fill = Fill::weight;
  bool trainable = true;  // false for running statistics
  int64_t fan_in = 1;     // inputs that feed one output
  int64_t fan_out = 1;    // outputs that one input feeds
  double value = 0;       // of Fill::constant
};

// Shapes an op works on, batch first.
struct Signature {
  std::vector<Shape> inputs;
  Shape output;
};

// The part of its input that one output element sees, per spatial axis; extent counts dilation.
// Empty vectors: a pointwise op. `whole`: every output sees the whole input, unless it has as many positions.
struct Window {
  std::vector<int64_t> extent;
  std::vector<int64_t> stride;
  std::vector<int64_t> upsampling = {};  // outputs for each stride; empty: one
  bool whole = false;
};

// Which forward values backward reads; the planner keeps those alive.
struct BackwardReads {
  bool inputs = false;
  bool output = false;
};

// One execution of an op on actual memory, valid during the call only. Values are contiguous, channels last, except
// where PrepareOptions told the kernel of slices.
template <class T>
struct Step {
  std::span<const T* const> inputs;
  T* output = nullptr;
  std::span<T* const> parameters;  // in the order of Op::parameters; running statistics are updated in place

  // Backward only. Gradients are overwritten, never added to; a null pointer means that nobody wants it.
  const T* output_gradient = nullptr;
  std::span<T* const> input_gradients;
  std::span<T* const> parameter_gradients;

  T* saved = nullptr;     // Kernel::saved_size elements, written by forward, read by backward of the same step
  T* scratch = nullptr;   // Kernel::scratch_size elements, contents undefined
  Random random{0};       // the same in forward and backward of one step
  bool training = false;  // batch statistics and dropout on
};

// An op made ready for fixed shapes on one device: algorithm chosen, weights packed, memory needs known.
class Kernel {
 public:
  virtual ~Kernel() = default;
  // How this kernel computes and, after a colon, why it was chosen: "direct: few channels". Empty: there is one way.
  virtual std::string algorithm() const { return {}; }
  virtual size_t saved_size() const { return 0; }    // floats
  virtual size_t scratch_size() const { return 0; }  // floats
  // Called before the first forward and whenever parameter values have changed: pack them here. `spare` may be grown
  // and overwritten by the call: fresh memory for each of a network's layers would take longer than the packing.
  virtual void load(std::span<const float* const> /*parameters*/, Tensor& /*spare*/) {}
  // Whether load() keeps a copy of the first parameter, so that forward and backward read it no more.
  virtual bool copies_weight() const { return false; }
  virtual void forward(const Step<float>& step) = 0;
  virtual void backward(const Step<float>& step) = 0;
};

struct Tail;  // src/ops/tail.h: what later ops do to an op's output in the same kernel

struct PrepareOptions {
  bool training = false;                   // batch statistics and dropout on
  std::vector<bool> input_gradients = {};  // which inputs need a gradient; empty: there is no backward
  bool parameter_gradients = false;        // whether parameters need gradients
  const Tail* tail = nullptr;              // one that Op::fuses agreed to
  // A slice holds some of the channels of a wider value: floats from one of its pixels to the next; 0: no slice.
  int64_t output_stride = 0;
  std::vector<int64_t> input_strides = {};  // of each input; empty: no slices

  int64_t input_stride(size_t input) const { return input_strides.empty() ? 0 : input_strides[input]; }
};

class Op {
 public:
  Op() = default;
  Op(const Op&) = delete;
  Op& operator=(const Op&) = delete;
  virtual ~Op() = default;

  virtual std::string_view type() const = 0;  // "conv"
  virtual Attributes attributes() const { return {}; }

  // Output shape. Throws Error(format) saying what was expected and what was got; the graph adds the node's name.
  virtual Shape infer(std::span<const Shape> inputs) const = 0;
  virtual std::vector<ParameterSpec> parameters(std::span<const Shape> /*inputs*/) const { return {}; }
  virtual int64_t multiply_adds(const Signature& /*shapes*/) const { return 0; }
  virtual Window window() const { return {}; }

  virtual BackwardReads backward_reads() const = 0;
  // The input, if any, whose memory the output may share (forward), and whose gradient may share the output's memory
  // (backward): of it element i is read before element i of the output is written, and nothing else.
  virtual std::optional<size_t> in_place_input() const { return std::nullopt; }
  virtual bool is_identity(bool /*training*/) const { return false; }
  // Gradients flow into this input (false for class labels).
  virtual bool differentiable(size_t /*input*/) const { return true; }

  // Adds what this op does to one of its inputs (the other being the residual) to a tail; false when the tail has no
  // place for it.
  virtual bool join(const Signature& /*shapes*/, Tail& /*tail*/) const { return false; }
  // Whether prepare() has a kernel that does this op and then the tail.
  virtual bool fuses(const Tail& /*tail*/, bool /*training*/) const { return false; }

  // Whether prepare() has a kernel for inference that writes its output, or reads this input, as a slice.
  virtual bool writes_slices(const Signature& /*shapes*/) const { return false; }
  virtual bool reads_slices(size_t /*input*/) const { return false; }
  // Whether the output is the inputs' channels side by side, and forward leaves alone what is there already.
  virtual bool joins_channels() const { return false; }

  // The specification: naive code over float and double (src/kernels/ref).
  virtual size_t reference_saved_size(const Signature& /*shapes*/) const { return 0; }
  virtual void reference_forward(const Signature& shapes, const Step<float>& step) const = 0;
  virtual void reference_forward(const Signature& shapes, const Step<double>& step) const = 0;
  virtual void reference_backward(const Signature& shapes, const Step<float>& step) const = 0;
  virtual void reference_backward(const Signature& shapes, const Step<double>& step) const = 0;

  // The fast form for this machine.
  virtual std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions& options) const = 0;
};

// The specification as a kernel, to compare fast kernels with.
std::unique_ptr<Kernel> prepare_reference(const Op& op, const Signature& shapes);

// Rebuilds an op from its serialised form. Throws Error(format) for an unknown type (suggesting the nearest),
// an unknown, missing or senseless attribute.
std::shared_ptr<const Op> make_op(std::string_view type, const Attributes& attributes);
// Every op type there is.
std::vector<std::string_view> op_types();

}  // namespace fovea
