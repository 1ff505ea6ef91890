#pragma once

namespace fovea {

// How the learning rate changes over a run: the base rate times a factor that is a pure function of the time t, in
// epochs with a fraction. During the first `warmup` epochs the factor rises linearly from 0 to 1; the schedule proper
// starts after them and covers the remaining ones.
struct Schedule {
  enum class Kind {
    constant,  // 1
    step,      // gamma ^ floor(t / every)
    cosine,    // floor + (1 - floor) (1 + cos(pi t / epochs)) / 2, Loshchilov & Hutter 2017
  };
  Kind kind = Kind::constant;
  double every = 10;  // epochs between two steps
  double gamma = 0.1;
  double floor = 0;   // what the cosine ends at, a fraction of the base rate
  double warmup = 0;  // epochs
};

// The factor at time `epoch` of a run of `epochs`, 0 <= epoch <= epochs.
// Throws Error(usage) unless every > 0, gamma > 0, 0 <= floor <= 1, 0 <= warmup < epochs, all finite.
double schedule_factor(const Schedule& schedule, double epoch, double epochs);

}  // namespace fovea
