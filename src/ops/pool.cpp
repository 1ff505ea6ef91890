// Pooling: the maximum or average of windows, and of whole pictures; likewise of sequences and volumes.
#include "kernels/cpu/pool.h"

#include "fovea/ops.h"
#include "kernels/cpu/byte_weights.h"
#include "kernels/cpu/bytes.h"
#include "kernels/ref/pool.h"
#include "ops/byte_op.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/spatial.h"
#include "ops/table.h"

namespace fovea {

namespace {

// What to take of a window. Each has the naive and the fast form.
struct Maximum {
  static constexpr const char* type = "max_pool";
  static constexpr const char* global_type = "global_max_pool";
  static constexpr bool reads_input = true;

  template <class T>
  static void reference_forward(const PoolShape& s, const Step<T>& step) {
    ref::max_pool_forward(s, step.inputs[0], step.output);
  }
  template <class T>
  static void reference_backward(const PoolShape& s, const Step<T>& step) {
    ref::max_pool_backward(s, step.inputs[0], step.output_gradient, step.input_gradients[0]);
  }
  static size_t saved_size(const PoolShape& s) { return cpu::max_pool_saved_size(s); }
  static void forward(const PoolShape& s, const float* x, float* y, float* saved) {
    cpu::max_pool_forward(s, x, y, saved);
  }
  static void backward(const PoolShape& s, const float* saved, const float* dy, float* dx) {
    cpu::max_pool_backward(s, saved, dy, dx);
  }
};

struct Average {
  static constexpr const char* type = "avg_pool";
  static constexpr const char* global_type = "global_avg_pool";
  static constexpr bool reads_input = false;

  template <class T>
  static void reference_forward(const PoolShape& s, const Step<T>& step) {
    ref::avg_pool_forward(s, step.inputs[0], step.output);
  }
  template <class T>
  static void reference_backward(const PoolShape& s, const Step<T>& step) {
    ref::avg_pool_backward(s, step.output_gradient, step.input_gradients[0]);
  }
  static size_t saved_size(const PoolShape&) { return 0; }
  static void forward(const PoolShape& s, const float* x, float* y, float* /*saved*/) {
    cpu::avg_pool_forward(s, x, y);
  }
  static void backward(const PoolShape& s, const float* /*saved*/, const float* dy, float* dx) {
    cpu::avg_pool_backward(s, dy, dx);
  }
};

template <class Kind>
class PoolKernel final : public Kernel {
 public:
  PoolKernel(const PoolShape& shape, bool gradient) : passes_(shape), gradient_(gradient) {}

  std::string algorithm() const override { return passes_.is_one() ? "" : "planes, then across them: volume"; }
  size_t saved_size() const override { return gradient_ ? first_saved() + second_saved() : 0; }
  size_t scratch_size() const override { return passes_.is_one() ? 0 : static_cast<size_t>(passes_.between()); }
  void forward(const Step<float>& step) override {
    float* const saved = saved_size() > 0 ? step.saved : nullptr;
    if (passes_.is_one()) return Kind::forward(passes_.planes, step.inputs[0], step.output, saved);
    Kind::forward(passes_.planes, step.inputs[0], step.scratch, saved);
    Kind::forward(passes_.across, step.scratch, step.output, saved ? saved + first_saved() : nullptr);
  }
  void backward(const Step<float>& step) override {
    float* const dx = step.input_gradients[0];
    if (passes_.is_one()) return Kind::backward(passes_.planes, step.saved, step.output_gradient, dx);
    Kind::backward(passes_.across, step.saved + first_saved(), step.output_gradient, step.scratch);
    Kind::backward(passes_.planes, step.saved, step.scratch, dx);
  }

 private:
  size_t first_saved() const { return Kind::saved_size(passes_.planes); }
  size_t second_saved() const { return passes_.is_one() ? 0 : Kind::saved_size(passes_.across); }

  cpu::PoolPasses passes_;
  bool gradient_;
};

class MaxPoolBytesKernel final : public Kernel {
 public:
  explicit MaxPoolBytesKernel(const PoolShape& shape) : passes_(shape) {}

  size_t scratch_size() const override { return passes_.is_one() ? 0 : cpu::floats_for_bytes(passes_.between()); }
  void forward(const Step<float>& step) override {
    const auto* const x = reinterpret_cast<const uint8_t*>(step.inputs[0]);
    auto* const y = reinterpret_cast<uint8_t*>(step.output);
    auto* const between = reinterpret_cast<uint8_t*>(step.scratch);
    cpu::max_pool_bytes(passes_.planes, x, passes_.is_one() ? y : between);
    if (!passes_.is_one()) cpu::max_pool_bytes(passes_.across, between, y);
  }
  void backward(const Step<float>&) override {}

 private:
  cpu::PoolPasses passes_;
};

// Base of the forms below, which say in geometry() what windows there are.
template <class Kind, class Derived>
class AnyPool : public OpBase<Derived>, public ByteOp {
 public:
  BackwardReads backward_reads() const override { return {.inputs = Kind::reads_input}; }
  bool writes_slices(const Signature& shapes) const override {
    return cpu::PoolPasses(geometry(shapes.inputs[0])).is_one();
  }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    Kind::reference_forward(geometry(shapes.inputs[0]), step);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    Kind::reference_backward(geometry(shapes.inputs[0]), step);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions& options) const override {
    const bool gradient = !options.input_gradients.empty() && options.input_gradients[0];
    PoolShape s = geometry(shapes.inputs[0]);
    s.out_stride = options.output_stride;
    return std::make_unique<PoolKernel<Kind>>(s, gradient);
  }

  // The maximum of bytes is one of them.
  bool byte_input(size_t) const override { return std::is_same_v<Kind, Maximum>; }
  bool byte_output() const override { return std::is_same_v<Kind, Maximum>; }
  bool moves_bytes() const override { return std::is_same_v<Kind, Maximum>; }
  std::unique_ptr<Kernel> prepare_bytes(const Signature& shapes, const PrepareOptions& options) const override {
    PoolShape s = geometry(shapes.inputs[0]);
    s.out_stride = options.output_stride;
    return std::make_unique<MaxPoolBytesKernel>(s);
  }

 protected:
  virtual PoolShape geometry(const Shape& x) const = 0;
};

template <class Kind>
class PoolOp final : public AnyPool<Kind, PoolOp<Kind>> {
 public:
  PoolOp(const PoolOptions& options, int axes) : options_(options), axes_(axes) {
    if (!options_.stride.serves(axes) || !options_.kernel.serves(axes)) return;  // infer() refuses it
    std::vector<int64_t> stride = options_.stride.list(axes);
    for (int axis = 0; axis < axes; ++axis) {
      if (int64_t& one = stride[static_cast<size_t>(axis)]; one == 0) one = options_.kernel[axis];
    }
    options_.stride = Extents(stride);
  }

  std::string_view type() const override { return Kind::type; }
  Attributes attributes() const override {
    Attributes attributes = {{"kernel", options_.kernel.list(axes_)},
                             {"stride", options_.stride.list(axes_)},
                             {"ceil_mode", options_.ceil_mode}};
    write_padding(attributes, options_.padding, axes_);
    if constexpr (std::is_same_v<Kind, Average>) attributes["count_include_pad"] = options_.count_include_pad;
    return attributes;
  }
  Window window() const override {
    return {.extent = options_.kernel.list(axes_), .stride = options_.stride.list(axes_)};
  }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    require_positions(inputs[0], axes_);
    check_options();
    const PoolShape s = geometry(inputs[0]);
    return positions_shape(s.batch, {s.out_depth, s.out_height, s.out_width}, s.channels, axes_);
  }

 protected:
  PoolShape geometry(const Shape& x) const override {
    const auto [planes, rows, columns] =
        slide(x, options_.kernel, options_.stride, 1, options_.padding, options_.ceil_mode);
    return {.batch = x[0],
            .depth = planes.input,
            .height = rows.input,
            .width = columns.input,
            .channels = x.back(),
            .out_depth = planes.output,
            .out_height = rows.output,
            .out_width = columns.output,
            .kernel_depth = planes.kernel,
            .kernel_height = rows.kernel,
            .kernel_width = columns.kernel,
            .stride_depth = planes.stride,
            .stride_height = rows.stride,
            .stride_width = columns.stride,
            .front = planes.before,
            .back = planes.after,
            .top = rows.before,
            .bottom = rows.after,
            .left = columns.before,
            .right = columns.after,
            .count_include_pad = options_.count_include_pad};
  }

 private:
  void check_options() const {
    const auto& [kernel, stride, padding, ceil_mode, count_include_pad] = options_;
    require_extents("kernel", kernel, axes_, 1);
    require_extents("stride", stride, axes_, 1);
    require_padding(padding, axes_);
    for (int axis = 0; axis < axes_; ++axis) {
      require(std::max(padding.before[axis], padding.after[axis]) < kernel[axis],
              "padding ({} before, {} after) must be less than the kernel, {}", padding.before[axis],
              padding.after[axis], kernel[axis]);
    }
    require(!(padding.is_same && ceil_mode), "ceil_mode makes no sense with padding 'same'");
  }

  PoolOptions options_;
  int axes_;
};

// One window: the whole picture, as rows of the last axis.
template <class Kind>
class GlobalPoolOp final : public AnyPool<Kind, GlobalPoolOp<Kind>> {
 public:
  std::string_view type() const override { return Kind::global_type; }
  Window window() const override { return {.extent = {}, .stride = {}, .whole = true}; }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    require_positions(inputs[0]);
    return positions_shape(inputs[0][0], {1, 1, 1}, inputs[0].back(), spatial_axes(inputs[0]));
  }

 protected:
  PoolShape geometry(const Shape& x) const override {
    const int64_t width = x[x.rank() - 2];
    const int64_t height = x.elements() / (x[0] * width * x.back());
    return {.batch = x[0],
            .height = height,
            .width = width,
            .channels = x.back(),
            .kernel_height = height,
            .kernel_width = width,
            .stride_height = height,
            .stride_width = width};
  }
};

// As many windows as asked for, sharing the picture out.
class AdaptiveAvgPoolOp final : public AnyPool<Average, AdaptiveAvgPoolOp> {
 public:
  AdaptiveAvgPoolOp(const Extents& output, int axes) : output_(output), axes_(axes) {}

  std::string_view type() const override { return "adaptive_avg_pool"; }
  Attributes attributes() const override { return {{"output", output_.list(axes_)}}; }
  // Unequal windows, about as large as the picture allows: the whole, for want of one number.
  Window window() const override { return {.extent = {}, .stride = {}, .whole = true}; }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    require_positions(inputs[0], axes_);
    require_extents("output", output_, axes_, 1);
    const PoolShape s = geometry(inputs[0]);
    return positions_shape(s.batch, {s.out_depth, s.out_height, s.out_width}, s.channels, axes_);
  }

 protected:
  PoolShape geometry(const Shape& x) const override {
    SlidingAxes axes{};
    for (int axis = 0; axis < axes_; ++axis) {
      const int64_t n = x[axis + 1];
      const int64_t windows = output_[axis];
      axis_of(axes, axes_, axis) = {.input = n, .kernel = (n - 1) / windows + 2, .output = windows};
    }
    const auto [planes, rows, columns] = axes;
    return {.batch = x[0],
            .depth = planes.input,
            .height = rows.input,
            .width = columns.input,
            .channels = x.back(),
            .out_depth = planes.output,
            .out_height = rows.output,
            .out_width = columns.output,
            .kernel_depth = planes.kernel,
            .kernel_height = rows.kernel,
            .kernel_width = columns.kernel,
            .adaptive = true};
  }

 private:
  Extents output_;
  int axes_;
};

template <class Kind>
std::shared_ptr<const Op> read_pool(AttributeReader& attributes) {
  PoolOptions options{.kernel = read_extents(attributes, "kernel"),
                      .stride = read_extents(attributes, "stride"),
                      .padding = read_padding(attributes),
                      .ceil_mode = attributes.boolean("ceil_mode")};
  if constexpr (std::is_same_v<Kind, Average>) options.count_include_pad = attributes.boolean("count_include_pad");
  return std::make_shared<PoolOp<Kind>>(options, options.kernel.count());
}

template <class Kind>
Value add_pool(Graph& graph, const std::string& name, Value x, const PoolOptions& options) {
  return graph.add(name, std::make_shared<PoolOp<Kind>>(options, spatial_axes(x.shape())), {x});
}

}  // namespace

std::shared_ptr<const Op> make_max_pool(AttributeReader& attributes) { return read_pool<Maximum>(attributes); }
std::shared_ptr<const Op> make_avg_pool(AttributeReader& attributes) { return read_pool<Average>(attributes); }
std::shared_ptr<const Op> make_adaptive_avg_pool(AttributeReader& attributes) {
  const Extents output = read_extents(attributes, "output");
  return std::make_shared<AdaptiveAvgPoolOp>(output, output.count());
}
std::shared_ptr<const Op> make_global_max_pool(AttributeReader&) { return std::make_shared<GlobalPoolOp<Maximum>>(); }
std::shared_ptr<const Op> make_global_avg_pool(AttributeReader&) { return std::make_shared<GlobalPoolOp<Average>>(); }

Value max_pool(Value x, const PoolOptions& options) { return add_pool<Maximum>(x.graph(), "", x, options); }
Value avg_pool(Value x, const PoolOptions& options) { return add_pool<Average>(x.graph(), "", x, options); }
Value max_pool(const Scope& scope, Value x, const PoolOptions& options) {
  return add_pool<Maximum>(scope.graph(), scope.path(), x, options);
}
Value avg_pool(const Scope& scope, Value x, const PoolOptions& options) {
  return add_pool<Average>(scope.graph(), scope.path(), x, options);
}
Value adaptive_avg_pool(const Scope& scope, Value x, const Extents& output) {
  const Shape& shape = x.shape();
  const auto op = std::make_shared<AdaptiveAvgPoolOp>(output, spatial_axes(shape));
  bool is_there = shape.rank() >= 3 && output.serves(shape.rank() - 2);
  for (int axis = 0; is_there && axis < shape.rank() - 2; ++axis) is_there = shape[axis + 1] == output[axis];
  return is_there ? x : scope.graph().add(scope.path(), op, {x});
}
Value global_max_pool(Value x) { return x.graph().add("", std::make_shared<GlobalPoolOp<Maximum>>(), {x}); }
Value global_avg_pool(Value x) { return x.graph().add("", std::make_shared<GlobalPoolOp<Average>>(), {x}); }

}  // namespace fovea
