// Pooling: the maximum or average of windows, and of whole pictures.
#include "kernels/cpu/pool.h"

#include "fovea/ops.h"
#include "kernels/ref/pool.h"
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
  static void forward(const PoolShape& s, const Step<float>& step, float* saved) {
    cpu::max_pool_forward(s, step.inputs[0], step.output, saved);
  }
  static void backward(const PoolShape& s, const Step<float>& step) {
    cpu::max_pool_backward(s, step.saved, step.output_gradient, step.input_gradients[0]);
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
  static void forward(const PoolShape& s, const Step<float>& step, float* /*saved*/) {
    cpu::avg_pool_forward(s, step.inputs[0], step.output);
  }
  static void backward(const PoolShape& s, const Step<float>& step) {
    cpu::avg_pool_backward(s, step.output_gradient, step.input_gradients[0]);
  }
};

template <class Kind>
class PoolKernel final : public Kernel {
 public:
  PoolKernel(const PoolShape& shape, bool gradient)
      : shape_(shape), saved_size_(gradient ? Kind::saved_size(shape) : 0) {}

  size_t saved_size() const override { return saved_size_; }
  void forward(const Step<float>& step) override {
    Kind::forward(shape_, step, saved_size_ > 0 ? step.saved : nullptr);
  }
  void backward(const Step<float>& step) override { Kind::backward(shape_, step); }

 private:
  PoolShape shape_;
  size_t saved_size_;
};

// Base of the two forms below, which say in geometry() what windows there are.
template <class Kind, class Derived>
class AnyPool : public OpBase<Derived> {
 public:
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    require_rank(inputs[0], 4, "{N, H, W, C}");
    const PoolShape s = geometry(inputs[0]);
    return {s.batch, s.out_height, s.out_width, s.channels};
  }
  BackwardReads backward_reads() const override { return {.inputs = Kind::reads_input}; }
  bool writes_slices(const Signature&) const override { return true; }

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

 protected:
  virtual PoolShape geometry(const Shape& x) const = 0;
};

template <class Kind>
class PoolOp final : public AnyPool<Kind, PoolOp<Kind>> {
 public:
  explicit PoolOp(const PoolOptions& options) : options_(options) {
    if (options_.stride.height == 0) options_.stride.height = options_.kernel.height;
    if (options_.stride.width == 0) options_.stride.width = options_.kernel.width;
  }

  std::string_view type() const override { return Kind::type; }
  Attributes attributes() const override {
    Attributes attributes = {{"kernel", to_attribute(options_.kernel)},
                             {"stride", to_attribute(options_.stride)},
                             {"ceil_mode", options_.ceil_mode}};
    write_padding(attributes, options_.padding);
    if constexpr (std::is_same_v<Kind, Average>) attributes["count_include_pad"] = options_.count_include_pad;
    return attributes;
  }
  Window window() const override {
    return {.extent = to_attribute(options_.kernel), .stride = to_attribute(options_.stride)};
  }

 protected:
  PoolShape geometry(const Shape& x) const override {
    check_options();
    const auto& [kernel, stride, padding, ceil_mode, count_include_pad] = options_;
    const SlidingAxis rows =
        slide(x[1], kernel.height, stride.height, padding.top, padding.bottom, padding.is_same, ceil_mode);
    const SlidingAxis columns =
        slide(x[2], kernel.width, stride.width, padding.left, padding.right, padding.is_same, ceil_mode);
    require(rows.output > 0 && columns.output > 0, "the {}x{} window does not fit the {}x{} picture with its padding",
            kernel.height, kernel.width, x[1], x[2]);
    return {x[0],           x[1],          x[2],           x[3],          rows.output,
            columns.output, kernel.height, kernel.width,   stride.height, stride.width,
            rows.before,    rows.after,    columns.before, columns.after, count_include_pad};
  }

 private:
  void check_options() const {
    require_extents("kernel", options_.kernel, 1);
    require_extents("stride", options_.stride, 1);
    require_padding(options_.padding);
    const Padding& p = options_.padding;
    require(std::max(p.top, p.bottom) < options_.kernel.height && std::max(p.left, p.right) < options_.kernel.width,
            "padding (top {}, bottom {}, left {}, right {}) must be less than the kernel, {}x{}", p.top, p.bottom,
            p.left, p.right, options_.kernel.height, options_.kernel.width);
    require(!(p.is_same && options_.ceil_mode), "ceil_mode makes no sense with padding 'same'");
  }

  PoolOptions options_;
};

// One window: the whole picture.
template <class Kind>
class GlobalPoolOp final : public AnyPool<Kind, GlobalPoolOp<Kind>> {
 public:
  std::string_view type() const override { return Kind::global_type; }
  Window window() const override { return {.extent = {}, .stride = {}, .whole = true}; }

 protected:
  PoolShape geometry(const Shape& x) const override {
    return {x[0], x[1], x[2], x[3], 1, 1, x[1], x[2], x[1], x[2], 0, 0, 0, 0, false};
  }
};

// As many windows as asked for, sharing the picture out.
class AdaptiveAvgPoolOp final : public AnyPool<Average, AdaptiveAvgPoolOp> {
 public:
  explicit AdaptiveAvgPoolOp(const Pair& output) : output_(output) {}

  std::string_view type() const override { return "adaptive_avg_pool"; }
  Attributes attributes() const override { return {{"output", to_attribute(output_)}}; }
  // Unequal windows, about as large as the picture allows: the whole, for want of one number.
  Window window() const override { return {.extent = {}, .stride = {}, .whole = true}; }

 protected:
  PoolShape geometry(const Shape& x) const override {
    require_extents("output", output_, 1);
    const auto largest = [](int64_t n, int64_t windows) { return (n - 1) / windows + 2; };
    return {.batch = x[0],
            .height = x[1],
            .width = x[2],
            .channels = x[3],
            .out_height = output_.height,
            .out_width = output_.width,
            .kernel_height = largest(x[1], output_.height),
            .kernel_width = largest(x[2], output_.width),
            .stride_height = 1,
            .stride_width = 1,
            .top = 0,
            .bottom = 0,
            .left = 0,
            .right = 0,
            .count_include_pad = false,
            .adaptive = true};
  }

 private:
  Pair output_;
};

template <class Kind>
std::shared_ptr<const Op> read_pool(AttributeReader& attributes) {
  PoolOptions options{.kernel = read_pair(attributes, "kernel"),
                      .stride = read_pair(attributes, "stride"),
                      .padding = read_padding(attributes),
                      .ceil_mode = attributes.boolean("ceil_mode")};
  if constexpr (std::is_same_v<Kind, Average>) options.count_include_pad = attributes.boolean("count_include_pad");
  return std::make_shared<PoolOp<Kind>>(options);
}

template <class Kind>
Value add_pool(Graph& graph, const std::string& name, Value x, const PoolOptions& options) {
  return graph.add(name, std::make_shared<PoolOp<Kind>>(options), {x});
}

}  // namespace

std::shared_ptr<const Op> make_max_pool(AttributeReader& attributes) { return read_pool<Maximum>(attributes); }
std::shared_ptr<const Op> make_avg_pool(AttributeReader& attributes) { return read_pool<Average>(attributes); }
std::shared_ptr<const Op> make_adaptive_avg_pool(AttributeReader& attributes) {
  return std::make_shared<AdaptiveAvgPoolOp>(read_pair(attributes, "output"));
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
Value adaptive_avg_pool(const Scope& scope, Value x, const Pair& output) {
  if (x.shape().rank() == 4 && x.shape()[1] == output.height && x.shape()[2] == output.width) return x;
  return scope.graph().add(scope.path(), std::make_shared<AdaptiveAvgPoolOp>(output), {x});
}
Value global_max_pool(Value x) { return x.graph().add("", std::make_shared<GlobalPoolOp<Maximum>>(), {x}); }
Value global_avg_pool(Value x) { return x.graph().add("", std::make_shared<GlobalPoolOp<Average>>(), {x}); }

}  // namespace fovea
