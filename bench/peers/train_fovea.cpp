// The library's side of compare_training.py: train_fovea MODEL BATCH THREADS reads numbers of steps from standard
// input, runs as many steps of training (forward, backward, SGD with momentum) on synthetic data, and answers each
// with one line of JSON: the milliseconds that every step took by the wall clock, and their mean CPU time.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <ctime>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include "fovea/error.h"
#include "fovea/ops.h"
#include "fovea/optim.h"
#include "fovea/parallel.h"
#include "fovea/random.h"
#include "fovea/session.h"
#include "fovea/zoo.h"

namespace {

std::string add_loss(fovea::Graph& graph) {
  const fovea::Value logits = graph.output();
  return cross_entropy(logits, graph.input("labels", fovea::Shape{})).name();
}

class Training {
 public:
  Training(const std::string& name, int64_t batch)
      : model_(fovea::zoo::create(name)),
        graph_(model_.graph()),
        loss_(add_loss(graph_)),
        session_(model_, graph_, {.batch = batch, .training = true, .differentiate = loss_, .keep = {loss_}}),
        optimizer_(make_optimizer(fovea::Sgd{.lr = 0.01, .momentum = 0.9}, model_)) {
    for (size_t i = 0; i < model_.parameters().size(); ++i) gradients_.push_back(session_.parameter_gradient(i));
    const fovea::Random random(1);
    images_.resize(session_.input("input").size());
    for (size_t i = 0; i < images_.size(); ++i) images_[i] = random.uniform(i) - 0.5F;
    const fovea::Random classes(2);
    const int64_t count = fovea::zoo::find(name).classes;
    for (int64_t i = 0; i < batch; ++i) labels_.push_back(static_cast<float>(classes.bits(i) % count));
  }

  void step() {
    std::ranges::copy(images_, session_.input("input").begin());
    std::ranges::copy(labels_, session_.input("labels").begin());
    session_.forward();
    session_.backward();
    optimizer_->step(gradients_, 0.01);
    session_.parameters_changed();
  }

 private:
  fovea::Model model_;
  fovea::Graph graph_;
  std::string loss_;
  fovea::Session session_;
  std::unique_ptr<fovea::Optimizer> optimizer_;
  std::vector<std::span<const float>> gradients_;
  std::vector<float> images_;
  std::vector<float> labels_;
};

// Of the wall clock, and of the CPUs working for this process.
double wall_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(now).count();
}
double cpu_ms() { return static_cast<double>(std::clock()) * 1e3 / CLOCKS_PER_SEC; }

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::cerr << "usage: train_fovea MODEL BATCH THREADS\n";
    return 2;
  }
  fovea::set_thread_count(std::stoi(argv[3]));
  Training training(argv[1], std::stoll(argv[2]));
  for (int64_t steps; std::cin >> steps;) {
    std::vector<double> wall;
    const double cpu = cpu_ms();
    for (int64_t i = 0; i < steps; ++i) {
      const double start = wall_ms();
      training.step();
      wall.push_back(wall_ms() - start);
    }
    std::cout << fmt::format("{{\"wall_ms\": {}, \"cpu_ms\": {}}}", wall, (cpu_ms() - cpu) / static_cast<double>(steps))
              << std::endl;
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << "train_fovea: " << error.what() << '\n';
  return 1;
}
