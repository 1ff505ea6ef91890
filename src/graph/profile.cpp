#include <algorithm>
#include <chrono>

#include "fovea/session.h"
#include "graph/plan.h"

namespace fovea {

namespace {

template <class Body>
double seconds(const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int64_t multiply_adds(const Plan& plan, int index) {
  const Node& node = plan.graph.node(index);
  Signature shapes;
  for (const int input : node.inputs) shapes.inputs.push_back(plan.nodes[static_cast<size_t>(input)].shape);
  shapes.output = plan.nodes[static_cast<size_t>(index)].shape;
  return node.op->multiply_adds(shapes);
}

// Gradients that cost as many multiply-adds as forward did.
int64_t products_backward(const PlannedNode& node) {
  const auto wanted = [](const float* gradient) { return gradient != nullptr; };
  return static_cast<int64_t>(std::ranges::any_of(node.input_gradient_pointers, wanted)) +
         static_cast<int64_t>(std::ranges::any_of(node.parameter_gradients, wanted));
}

}  // namespace

std::vector<NodeProfile> Session::profile() {
  std::vector<NodeProfile> profiles;
  std::vector<int> indices;
  for (int i = 0; i < plan_->count(); ++i) {
    PlannedNode& planned = plan_->at(i);
    if (!planned.kernel) continue;
    const Node& node = plan_->graph.node(i);
    NodeProfile profile{node.name, std::string(node.op->type()), planned.shape, planned.kernel->algorithm()};
    profile.forward_multiply_adds = multiply_adds(*plan_, i);
    profile.backward_multiply_adds = profile.forward_multiply_adds * products_backward(planned);
    profile.forward_seconds = seconds([&] { plan_->forward_node(planned); });
    profiles.push_back(std::move(profile));
    indices.push_back(i);
  }
  if (plan_->differentiated < 0) return profiles;
  std::ranges::fill(plan_->gradient_span(plan_->differentiated), 1.0F);
  for (size_t k = profiles.size(); k-- > 0;) {
    if (!plan_->at(indices[k]).gives_gradients()) continue;
    profiles[k].backward_seconds = seconds([&] { plan_->backward_node(indices[k]); });
  }
  return profiles;
}

}  // namespace fovea
