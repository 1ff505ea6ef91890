#pragma once

#include <span>
#include <string>
#include <vector>

namespace fovea {

// How the learning rate changes over a run: the base rate times a factor that is a pure function of the time t, in
// epochs with a fraction, and for plateau of the epochs' scores. During the first `warmup` epochs the factor rises
// linearly from 0 to what the schedule begins with; the schedule proper starts after them and covers the remaining ones
// (milestones excepted, which count from the run's beginning).
struct Schedule {
  enum class Kind {
    constant,    // 1
    step,        // gamma ^ floor(t / every)
    cosine,      // floor + (1 - floor) (1 + cos(pi t / epochs)) / 2, Loshchilov & Hutter 2017
    multi_step,  // gamma ^ (number of milestones that t has reached)
    one_cycle,   // from `start` up to 1 at the fraction `peak` of the epochs, then down to `floor`; along half a cosine
                 // each (Smith & Topin 2018), with `linear` along straight lines
    polynomial,  // floor + (1 - floor) (1 - t / epochs)^power
    plateau,     // gamma ^ (how often `patience` epochs in a row did not better the best score), at least floor
  };
  Kind kind = Kind::constant;
  double every = 10;  // epochs between two steps
  double gamma = 0.1;
  double floor = 0;                  // what the rate ends at, a fraction of the base rate
  double warmup = 0;                 // epochs
  std::vector<double> milestones{};  // epochs, ascending
  double peak = 0.3;                 // fraction of the epochs
  double start = 0.04;               // fraction of the base rate
  bool linear = false;
  double power = 1;
  double patience = 5;  // epochs
};

// The factor at time `epoch` of a run of `epochs`, 0 <= epoch <= epochs. `scores`: of the epochs so far, higher is
// better; plateau alone looks at them: epochs in which the factor changed start counting anew.
// Throws Error(usage) unless every > 0, gamma > 0, 0 <= floor <= 1, 0 <= warmup < epochs, milestones ascend from above
// 0, 0 < peak < 1, 0 <= start <= 1, power > 0, patience >= 1, all finite; for multi_step without milestones.
double schedule_factor(const Schedule& schedule, double epoch, double epochs, std::span<const double> scores = {});

// A schedule as text: its name, then options that differ from the defaults:
//   constant, step every 30 gamma 0.1, cosine floor 0.01, multi-step at 30,60,80, one-cycle peak 0.2 linear,
//   polynomial power 2, plateau patience 3 gamma 0.5
// and `warmup 5` after any of them. Throws Error(usage) for an unknown name or option, suggesting the nearest, and for
// values that are no numbers.
Schedule parse_schedule(const std::string& text);
std::string to_text(const Schedule& schedule);
std::vector<std::string> schedule_names();

}  // namespace fovea
