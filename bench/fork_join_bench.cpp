// What it costs to split eight small chunks over the cores, by parallel_for and by OpenMP, on an idle machine and
// beside a process that keeps one core busy. The figures are in docs/decisions/0002-fork-join.md.

#include <benchmark/benchmark.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>

#include "fovea/parallel.h"

namespace {

constexpr int64_t chunks = 8;

// About ten microseconds of arithmetic that cannot be shortened: each step needs the one before.
float work(int64_t chunk) {
  float x = static_cast<float>(chunk);
  for (int i = 0; i < 4000; ++i) x = x * 0.999F + 0.5F;
  return x;
}

using Results = std::array<float, chunks>;

void serial(Results& results) {
  for (int64_t i = 0; i < chunks; ++i) results[static_cast<size_t>(i)] = work(i);
}

void pool(Results& results) {
  fovea::parallel_for(chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) results[static_cast<size_t>(i)] = work(i);
  });
}

void openmp(Results& results) {
#pragma omp parallel for schedule(dynamic) num_threads(fovea::thread_count())
  for (int64_t i = 0; i < chunks; ++i) results[static_cast<size_t>(i)] = work(i);
}

// A process that spins on the last CPU this one may use, for as long as the object lives.
class Competitor {
 public:
  Competitor() : process_(fork()) {
    if (process_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    cpu_set_t allowed;
    cpu_set_t last;
    sched_getaffinity(0, sizeof(allowed), &allowed);
    CPU_ZERO(&last);
    for (int cpu = CPU_SETSIZE - 1; CPU_COUNT(&last) == 0 && cpu >= 0; --cpu) {
      if (CPU_ISSET(cpu, &allowed)) CPU_SET(cpu, &last);
    }
    sched_setaffinity(0, sizeof(last), &last);
    for (unsigned spins = 0;; ++spins) benchmark::DoNotOptimize(spins);
  }
  ~Competitor() {
    if (process_ <= 0) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  Competitor(const Competitor&) = delete;
  Competitor& operator=(const Competitor&) = delete;

  bool running() const { return process_ > 0; }

 private:
  pid_t process_;
};

void measure(benchmark::State& state, void (*split)(Results&)) {
  Results results{};
  for (auto _ : state) {
    split(results);
    benchmark::DoNotOptimize(results);
  }
}

void idle(benchmark::State& state, void (*split)(Results&)) { measure(state, split); }

void busy(benchmark::State& state, void (*split)(Results&)) {
  const Competitor competitor;
  if (!competitor.running()) return state.SkipWithError("cannot start the competitor");
  measure(state, split);
}

BENCHMARK_CAPTURE(idle, serial, serial)->UseRealTime();
BENCHMARK_CAPTURE(idle, parallel_for, pool)->UseRealTime();
BENCHMARK_CAPTURE(idle, openmp, openmp)->UseRealTime();
BENCHMARK_CAPTURE(busy, serial, serial)->UseRealTime();
BENCHMARK_CAPTURE(busy, parallel_for, pool)->UseRealTime();
BENCHMARK_CAPTURE(busy, openmp, openmp)->UseRealTime();

}  // namespace
