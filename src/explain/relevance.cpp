#include "fovea/relevance.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "explain/attribution.h"
#include "fovea/error.h"

namespace fovea::explain {

namespace {

enum class Rule { share, route, pass, gate };

std::optional<Rule> rule_of(std::string_view type) {
  constexpr auto rules = std::to_array<std::pair<std::string_view, Rule>>({
      {"conv", Rule::share},
      {"conv_transpose", Rule::share},
      {"dense", Rule::share},
      {"avg_pool", Rule::share},
      {"adaptive_avg_pool", Rule::share},
      {"global_avg_pool", Rule::share},
      {"reduce_mean", Rule::share},
      {"reduce_sum", Rule::share},
      {"resize", Rule::share},
      {"add", Rule::share},
      {"weighted_sum", Rule::share},
      {"max_pool", Rule::route},
      {"global_max_pool", Rule::route},
      {"reduce_max", Rule::route},
      {"flatten", Rule::route},
      {"reshape", Rule::route},
      {"transpose", Rule::route},
      {"concatenate", Rule::route},
      {"slice", Rule::route},
      {"pad", Rule::route},
      {"depth_to_space", Rule::route},
      {"space_to_depth", Rule::route},
      {"relu", Rule::pass},
      {"relu6", Rule::pass},
      {"leaky_relu", Rule::pass},
      {"prelu", Rule::pass},
      {"elu", Rule::pass},
      {"selu", Rule::pass},
      {"silu", Rule::pass},
      {"gelu", Rule::pass},
      {"mish", Rule::pass},
      {"hard_swish", Rule::pass},
      {"sigmoid", Rule::pass},
      {"hard_sigmoid", Rule::pass},
      {"tanh", Rule::pass},
      {"softplus", Rule::pass},
      {"clip", Rule::pass},
      {"scale", Rule::pass},
      {"batch_norm", Rule::pass},
      {"layer_norm", Rule::pass},
      {"group_norm", Rule::pass},
      {"local_response_norm", Rule::pass},
      {"dropout", Rule::pass},
      {"spatial_dropout", Rule::pass},
      {"stochastic_depth", Rule::pass},
      {"multiply", Rule::gate},
  });
  const auto* const found = std::ranges::find(rules, type, &std::pair<std::string_view, Rule>::first);
  return found == rules.end() ? std::nullopt : std::optional(found->second);
}

// The positive (sign 1) or negative part of values, the rest zero.
Tensor part(std::span<const float> values, float sign) {
  Tensor result = make_buffer(values.size());
  std::ranges::transform(values, result.data(), [=](float value) { return value * sign > 0 ? value : 0; });
  return result;
}

// One op by itself, with inputs and parameters of its own.
class SingleOp {
 public:
  SingleOp(const Op& op, Signature shapes, std::vector<Tensor> inputs, std::vector<Tensor> parameters)
      : op_(op),
        shapes_(std::move(shapes)),
        inputs_(std::move(inputs)),
        parameters_(std::move(parameters)),
        output_(shapes_.output) {
    PrepareOptions options;
    for (size_t k = 0; k < inputs_.size(); ++k) options.input_gradients.push_back(op_.differentiable(k));
    kernel_ = op_.prepare(shapes_, options);
    saved_ = make_buffer(kernel_->saved_size());
    scratch_ = make_buffer(kernel_->scratch_size());
    for (const Tensor& input : inputs_) input_pointers_.push_back(input.data());
    for (Tensor& parameter : parameters_) parameter_pointers_.push_back(parameter.data());
    const std::vector<const float*> loaded(parameter_pointers_.begin(), parameter_pointers_.end());
    Tensor spare;
    kernel_->load(loaded, spare);
  }

  const Tensor& input(size_t k) const { return inputs_[k]; }

  const Tensor& forward() {
    kernel_->forward(step());
    return output_;
  }
  // By each input.
  std::vector<Tensor> gradients(const Tensor& output_gradient) {
    std::vector<Tensor> gradients;
    std::vector<float*> pointers;
    for (size_t k = 0; k < inputs_.size(); ++k) {
      gradients.emplace_back(shapes_.inputs[k]);
      pointers.push_back(op_.differentiable(k) ? gradients.back().data() : nullptr);
    }
    const std::vector<float*> none(parameters_.size());
    Step<float> backward = step();
    backward.output_gradient = output_gradient.data();
    backward.input_gradients = pointers;
    backward.parameter_gradients = none;
    kernel_->backward(backward);
    return gradients;
  }

 private:
  Step<float> step() {
    Step<float> step;
    step.inputs = input_pointers_;
    step.output = output_.data();
    step.parameters = parameter_pointers_;
    step.saved = saved_.data();
    step.scratch = scratch_.data();
    return step;
  }

  const Op& op_;
  Signature shapes_;
  std::vector<Tensor> inputs_, parameters_;
  Tensor output_, saved_, scratch_;
  std::unique_ptr<Kernel> kernel_;
  std::vector<const float*> input_pointers_;
  std::vector<float*> parameter_pointers_;
};

class Propagation {
 public:
  Propagation(Probe& probe, const Tensor& x, int scored)
      : model_(probe.model()),
        graph_(model_.graph()),
        session_(model_, options(scored)),
        nodes_(graph_.nodes().size()) {
    std::ranges::copy(x.values(), session_.input(probe.input()).begin());
    session_.forward();
    for (int i = 0; i <= scored; ++i) {
      for (const int input : graph_.node(i).inputs) ++at(input).readers;
    }
  }

  Tensor run(int scored, int64_t index, int input) {
    Tensor start(graph_.node(scored).shape);
    start[index] = value(scored)[static_cast<size_t>(index)];
    at(scored).relevance = std::move(start);
    for (int i = scored; i > input; --i) {
      if (!at(i).relevance.empty() && graph_.node(i).op) propagate(i);
    }
    return std::move(at(input).relevance);
  }

 private:
  struct NodeState {
    Tensor relevance;  // empty: none has come
    Tensor sign;       // of the contributions that count; empty: the value's own
    int readers = 0;
  };

  NodeState& at(int node) { return nodes_[static_cast<size_t>(node)]; }
  std::span<const float> value(int node) const { return session_.activation(graph_.node(node).name); }

  SessionOptions options(int scored) const {
    SessionOptions options;
    const std::vector<bool> reached = ancestors(graph_, scored);
    for (size_t i = 0; i < reached.size(); ++i) {
      if (reached[i]) options.keep.push_back(graph_.nodes()[i].name);
    }
    return options;
  }

  void propagate(int i) {
    const Node& node = graph_.node(i);
    const std::optional<Rule> rule = rule_of(node.op->type());
    if (!rule) {
      throw Error(ErrorKind::usage,
                  fmt::format("no rule says how relevance passes node '{}' ({})", node.name, node.op->type()));
    }
    switch (*rule) {
      case Rule::share:
        return share(i);
      case Rule::route:
        return route(i);
      case Rule::pass:
        return pass(i);
      case Rule::gate:
        const auto size = [&](int input) { return graph_.node(input).shape.elements(); };
        return add(std::ranges::max(node.inputs, {}, size), at(i).relevance);
    }
  }

  void add(int node, const Tensor& relevance) {
    Tensor& sum = at(node).relevance;
    if (sum.empty()) sum = Tensor(graph_.node(node).shape);
    for (int64_t e = 0; e < sum.size(); ++e) sum[e] += relevance[e];
  }

  Signature shapes(const Node& node) const {
    Signature shapes{{}, node.shape};
    for (const int input : node.inputs) shapes.inputs.push_back(graph_.node(input).shape);
    return shapes;
  }

  const Tensor& parameter(int p) const { return model_.parameter(graph_.parameters()[static_cast<size_t>(p)].name); }

  void pass(int i) {
    const Node& node = graph_.node(i);
    const int input = node.inputs[0];
    add(input, at(i).relevance);
    if (at(input).readers > 1) return;
    Tensor sign = at(i).sign.empty() ? Tensor(node.shape, value(i)) : at(i).sign;
    if (node.op->type() == "batch_norm") {
      const Tensor& scale = parameter(node.parameters[0]);
      for (int64_t e = 0; e < sign.size(); ++e) sign[e] *= scale[e % scale.size()];
    }
    at(input).sign = std::move(sign);
  }

  void route(int i) {
    const Node& node = graph_.node(i);
    std::vector<Tensor> inputs;
    for (const int input : node.inputs) inputs.emplace_back(graph_.node(input).shape, value(input));
    SingleOp op(*node.op, shapes(node), std::move(inputs), {});
    op.forward();
    const std::vector<Tensor> parts = op.gradients(at(i).relevance);
    for (size_t k = 0; k < parts.size(); ++k) add(node.inputs[k], parts[k]);
  }

  void share(int i) {
    Tensor sign = at(i).sign.empty() ? Tensor(graph_.node(i).shape, value(i)) : std::move(at(i).sign);
    for (const float wanted : {1.0F, -1.0F}) {
      Tensor relevance = at(i).relevance;
      for (int64_t e = 0; e < relevance.size(); ++e) {
        if (sign[e] * wanted <= 0) relevance[e] = 0;
      }
      if (std::ranges::any_of(relevance.values(), [](float r) { return r != 0; })) share(i, wanted, relevance);
    }
  }

  // Among the contributions of one sign.
  void share(int i, float sign, const Tensor& relevance) {
    const Node& node = graph_.node(i);
    // A product of two positive numbers or of two negative ones is positive.
    std::vector<SingleOp> ops;
    for (const float input_sign : {1.0F, -1.0F}) {
      if (node.parameters.empty() && input_sign != sign) continue;  // all weights are positive
      std::vector<Tensor> inputs, parameters;
      for (const int input : node.inputs) inputs.push_back(part(value(input), input_sign));
      for (const int p : node.parameters) {
        const Tensor& all = parameter(p);
        parameters.push_back(all.shape().rank() > 1 ? part(all.values(), sign * input_sign) : Tensor(all.shape()));
      }
      ops.emplace_back(*node.op, shapes(node), std::move(inputs), std::move(parameters));
    }
    Tensor ratio(node.shape);
    for (SingleOp& op : ops) {
      const Tensor& sum = op.forward();
      for (int64_t e = 0; e < ratio.size(); ++e) ratio[e] += sum[e];
    }
    for (int64_t e = 0; e < ratio.size(); ++e) ratio[e] = ratio[e] == 0 ? 0 : relevance[e] / ratio[e];
    for (SingleOp& op : ops) {
      std::vector<Tensor> parts = op.gradients(ratio);
      for (size_t k = 0; k < parts.size(); ++k) {
        for (int64_t e = 0; e < parts[k].size(); ++e) parts[k][e] *= op.input(k)[e];
        add(node.inputs[k], parts[k]);
      }
    }
  }

  Model& model_;
  const Graph& graph_;
  Session session_;
  std::vector<NodeState> nodes_;
};

}  // namespace

Tensor relevance(Probe& probe, const Tensor& x, const Score& score) {
  check_input(probe, x);
  const Graph& graph = probe.model().graph();
  const int scored = scored_node(probe, score);
  const int input = graph.find(probe.input());
  const int64_t elements = graph.node(scored).shape.elements();
  if (score.index < 0 || score.index >= elements) {
    throw Error(ErrorKind::usage,
                fmt::format("'{}' has {} elements, got number {}", graph.node(scored).name, elements, score.index));
  }
  if (!ancestors(graph, scored)[static_cast<size_t>(input)]) {
    throw Error(ErrorKind::usage, fmt::format("'{}' does not depend on the input", graph.node(scored).name));
  }
  Tensor map = Propagation(probe, x, scored).run(scored, score.index, input);
  if (map.empty()) map = Tensor(x.shape());
  return map.reshaped(x.shape().without_batch());
}

}  // namespace fovea::explain
