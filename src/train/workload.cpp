#include <utility>

#include "fovea/bench.h"
#include "fovea/error.h"
#include "fovea/random.h"
#include "train/training_loss.h"

namespace fovea {

namespace {

SessionOptions session_options(int64_t batch, bool training, const std::string& loss) {
  SessionOptions options{.batch = batch, .training = training, .differentiate = loss};
  if (training) options.keep = {loss};
  return options;
}

}  // namespace

Workload::Network Workload::describe(const Model& model, bool training) {
  Network network{model.graph(), "", "", ""};
  const Graph& graph = network.graph;
  const std::vector<int> inputs = graph.inputs();
  if (inputs.empty()) throw Error(ErrorKind::usage, "the network has no input");
  network.input = graph.node(inputs[0]).name;
  if (!training) return network;
  TrainingLoss with_loss = add_training_loss(model.graph(), {});
  network.graph = std::move(with_loss.graph);
  network.labels = with_loss.labels;
  network.loss = with_loss.loss;
  return network;
}

Workload::Workload(Model& model, int64_t batch, bool training, double learning_rate)
    : network_(describe(model, training)),
      learning_rate_(learning_rate),
      session_(model, network_.graph, session_options(batch, training, network_.loss)) {
  fill_inputs();
  if (!training) return;
  const auto classes = static_cast<uint64_t>(model.graph().node(model.graph().output_node()).shape.back());
  const Random random(2);
  for (size_t i = 0; i < labels().size(); ++i) labels()[i] = static_cast<float>(random.below(i, classes));
  optimizer_ = make_optimizer(Sgd{.lr = learning_rate, .momentum = 0.9}, model);
  for (size_t i = 0; i < model.parameters().size(); ++i) gradients_.push_back(session_.parameter_gradient(i));
}

Workload::Workload(Model&& model, int64_t batch)
    : network_(describe(model, false)), learning_rate_(0), session_(std::move(model), {.batch = batch}) {
  fill_inputs();
}

void Workload::fill_inputs() {
  for (const int input : network_.graph.inputs()) {
    const std::string& name = network_.graph.node(input).name;
    if (name == network_.labels) continue;
    const std::span<float> values = session_.input(name);
    const Random random(1, static_cast<uint64_t>(input));
    for (size_t i = 0; i < values.size(); ++i) values[i] = random.uniform(i) - 0.5F;
  }
}

void Workload::step() {
  session_.set_step(steps_++);
  session_.forward();
  if (!optimizer_) return;
  session_.backward();
  optimizer_->step(gradients_, learning_rate_);
  session_.parameters_changed();
}

}  // namespace fovea
