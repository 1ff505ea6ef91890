// Grad-CAM and occlusion of SqueezeNet 1.1 on one picture: peers/explain.py sets them against PyTorch.
#include <benchmark/benchmark.h>

#include "fovea/explain.h"
#include "fovea/parallel.h"
#include "fovea/random.h"
#include "fovea/zoo.h"

namespace fovea {
namespace {

Tensor picture(const Shape& shape) {
  Tensor x(shape);
  for (int64_t i = 0; i < x.size(); ++i) x[i] = Random(1).normal(static_cast<uint64_t>(i));
  return x;
}

void grad_cam(benchmark::State& state) {
  set_thread_count(static_cast<int>(state.range(0)));
  Model model = zoo::create("squeezenet1_1");
  explain::Probe probe(model);
  const Tensor x = picture(probe.input_shape());
  for (auto _ : state) benchmark::DoNotOptimize(explain::grad_cam(probe, x, {242}));
}
BENCHMARK(grad_cam)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

void occlusion(benchmark::State& state) {
  set_thread_count(static_cast<int>(state.range(0)));
  Model model = zoo::create("squeezenet1_1");
  explain::Probe probe(model);
  const Tensor x = picture(probe.input_shape());
  for (auto _ : state) benchmark::DoNotOptimize(explain::occlusion(probe, x, {242}, {.patch = 16, .stride = 8}));
}
BENCHMARK(occlusion)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace fovea
