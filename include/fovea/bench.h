#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fovea/model.h"
#include "fovea/optim.h"
#include "fovea/session.h"

// How fast a network runs on this machine.
namespace fovea {

// Steps of a network on data in memory, to be timed. In training a step is forward, cross-entropy of the output (of
// its input where the output is a softmax), backward and an update by SGD with momentum 0.9, which changes the model;
// otherwise it is forward alone. Until written to, inputs are uniform in [-0.5, 0.5) and labels uniform over the
// classes, from fixed seeds. The model must outlive the workload.
class Workload {
 public:
  // Throws as Session does, and Error(format) when training a network whose output is not {N, classes}.
  Workload(Model& model, int64_t batch, bool training, double learning_rate = 1e-3);
  // Inference with a model of its own, in the least memory.
  Workload(Model&& model, int64_t batch);

  void step();
  std::span<float> images() { return session_.input(network_.input); }   // the network's first input
  std::span<float> labels() { return session_.input(network_.labels); }  // training only
  float loss() const { return session_.activation(network_.loss)[0]; }   // of the last step; training only
  Session& session() { return session_; }

 private:
  struct Network {
    Graph graph;
    std::string input, labels, loss;  // nodes; the last two are empty unless training
  };
  static Network describe(const Model& model, bool training);
  void fill_inputs();

  Network network_;
  double learning_rate_;
  Session session_;
  uint64_t steps_ = 0;
  std::unique_ptr<Optimizer> optimizer_;           // null unless training
  std::vector<std::span<const float>> gradients_;  // of the model's parameters
};

struct BenchOptions {
  int64_t batch = 1;
  bool training = false;
  double seconds = 2;   // to measure for, after the warm-up; at least three steps
  bool layers = false;  // then measure node by node, for as long again
};

struct BenchResult {
  int64_t steps = 0;
  double median_seconds = 0;  // of a step
  double min_seconds = 0;
  double p95_seconds = 0;
  int64_t multiply_adds = 0;        // of a step; backward counts the input gradient and the weight gradient
  double peak_flops = 0;            // measure_peak_flops()
  size_t arena_bytes = 0;           // of the session
  size_t peak_memory_bytes = 0;     // of the process, after the steps
  std::vector<NodeProfile> layers;  // medians; empty unless asked for
};

// Training changes a copy of the model, or the model itself if it is handed over (std::move), which also keeps memory
// low. Throws as Workload does, and Error(usage) unless seconds is in (0, 3600].
BenchResult benchmark(Model model, const BenchOptions& options = {});

// What thread_count() threads reach together with multiply-adds in registers alone (two operations each), in
// operations a second: the ceiling for any kernel with the instruction set in use. Takes a tenth of a second.
double measure_peak_flops();

// The most memory this process has had resident so far, in bytes (VmHWM of /proc/self/status); 0 where unknown.
size_t peak_memory_bytes();

}  // namespace fovea
