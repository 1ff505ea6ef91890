#include "fovea/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/error.h"
#include "graph/plan.h"

namespace fovea {

namespace {

// The first node, in the order of the plan, that computes a NaN or an infinity.
std::optional<std::string> first_non_finite(Plan& plan) {
  const auto finite = [](float x) { return std::isfinite(x); };
  for (int i = 0; i < plan.count(); ++i) {
    if (!plan.at(i).needed) continue;
    if (plan.at(i).kernel) plan.forward_node(plan.at(i));
    // A slice is looked at with the whole; bytes are finite.
    if (plan.at(i).source != i || plan.at(i).slice || plan.at(i).bytes) continue;
    if (!std::ranges::all_of(plan.value_span(i), finite)) return plan.graph.node(i).name;
  }
  return std::nullopt;
}

}  // namespace

Session::Session(Model& model, const SessionOptions& options) : Session(model, model.graph(), options) {}
Session::Session(Model& model, const Graph& graph, const SessionOptions& options)
    : plan_(std::make_unique<Plan>(model, graph, options)) {}
Session::Session(Model&& model, const SessionOptions& options)
    : plan_(std::make_unique<Plan>(std::make_unique<Model>(std::move(model)), options)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

const Shape& Session::shape(std::string_view node) const {
  const auto found = plan_->shapes.find(node);
  return found != plan_->shapes.end() ? found->second : plan_->at(plan_->graph.find(node)).shape;
}

std::span<float> Session::input(std::string_view name) {
  const int node = plan_->graph.find(name);
  if (plan_->graph.node(node).op) {
    throw Error(ErrorKind::usage, fmt::format("'{}' is not an input of the network", name));
  }
  return plan_->value_span(node);
}

void Session::forward() {
  for (PlannedNode& node : plan_->nodes) {
    if (node.kernel) plan_->forward_node(node);
  }
}

void Session::backward() {
  if (plan_->differentiated < 0) {
    throw Error(ErrorKind::usage, "backward needs a session with options.differentiate set");
  }
  std::ranges::fill(plan_->gradient_span(plan_->differentiated), 1.0F);
  plan_->backward();
}

void Session::backward(std::span<const float> seed) {
  if (plan_->differentiated < 0) {
    throw Error(ErrorKind::usage, "backward needs a session with options.differentiate set");
  }
  const std::span<float> gradient = plan_->gradient_span(plan_->differentiated);
  if (seed.size() != gradient.size()) {
    throw Error(ErrorKind::usage,
                fmt::format("the seed of backward needs {} elements, got {}", gradient.size(), seed.size()));
  }
  std::ranges::copy(seed, gradient.begin());
  plan_->backward();
}

std::span<const float> Session::output() const { return plan_->value_span(plan_->output); }

std::span<const float> Session::activation(std::string_view name) const {
  const bool fused_away = plan_->shapes.contains(name) && !plan_->graph.contains(name);
  const int node = fused_away ? -1 : plan_->graph.find(name);
  const bool is_input = !fused_away && !plan_->graph.node(node).op;
  if (!is_input && std::ranges::find(plan_->kept, node) == plan_->kept.end()) {
    throw Error(ErrorKind::usage,
                fmt::format("the activation of '{}' was not kept: name it in SessionOptions::keep", name));
  }
  return plan_->value_span(node);
}

std::span<const float> Session::gradient(std::string_view name) const {
  const bool fused_away = plan_->shapes.contains(name) && !plan_->graph.contains(name);
  const int node = fused_away ? -1 : plan_->graph.find(name);
  if (!plan_->gradient_wanted(node)) {
    throw Error(ErrorKind::usage,
                fmt::format("the gradient of '{}' was not kept: name it in SessionOptions::gradients", name));
  }
  return plan_->gradient_span(node);
}

std::span<const float> Session::parameter_gradient(size_t parameter) const {
  if (parameter >= plan_->parameter_gradients.size()) return {};
  return plan_->parameter_gradients[parameter].values();
}

const Model& Session::model() const { return plan_->model; }

void Session::parameters_changed() {
  if (plan_->owned)
    throw Error(ErrorKind::usage, "the model was handed over to the session: its weights do not change");
  plan_->load_parameters();
}

void Session::set_step(uint64_t step) { plan_->step_number = step; }

std::optional<std::string> Session::find_non_finite() {
  if (plan_->owned) return first_non_finite(*plan_);
  Plan plan(plan_->model, plan_->original, plan_->options, false);  // without fused ops, so that every node has a value
  plan.step_number = plan_->step_number;
  for (const int node : plan.graph.inputs()) {
    if (plan.at(node).needed) std::ranges::copy(input(plan.graph.node(node).name), plan.value_span(node).begin());
  }
  return first_non_finite(plan);
}

size_t Session::arena_bytes() const { return plan_->memory.floats * sizeof(float); }

}  // namespace fovea
