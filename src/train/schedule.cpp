#include "fovea/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "fovea/error.h"

namespace fovea {

namespace {

void require(bool holds, const char* what, double value) {
  if (!holds || !std::isfinite(value)) {
    throw Error(ErrorKind::usage, fmt::format("learning rate schedule: {}, got {}", what, value));
  }
}

void check(const Schedule& schedule, double epochs) {
  require(schedule.every > 0, "the epochs between two steps must be positive", schedule.every);
  require(schedule.gamma > 0, "gamma must be positive", schedule.gamma);
  require(schedule.floor >= 0 && schedule.floor <= 1, "the floor must be in [0, 1]", schedule.floor);
  require(schedule.warmup >= 0 && schedule.warmup < epochs, "the warm-up must be shorter than the run",
          schedule.warmup);
  require(schedule.peak > 0 && schedule.peak < 1, "the peak must be in (0, 1)", schedule.peak);
  require(schedule.start >= 0 && schedule.start <= 1, "the start must be in [0, 1]", schedule.start);
  require(schedule.power > 0, "the power must be positive", schedule.power);
  require(schedule.patience >= 1, "the patience must be at least 1", schedule.patience);
  double before = 0;
  for (const double milestone : schedule.milestones) {
    require(milestone > before, "milestones must ascend from above 0", milestone);
    before = milestone;
  }
  if (schedule.kind == Schedule::Kind::multi_step && schedule.milestones.empty()) {
    throw Error(ErrorKind::usage, "learning rate schedule: multi-step needs its epochs: multi-step at 30,60");
  }
}

// From a to b, `done` of the way.
double between(double a, double b, double done, bool linear) {
  return linear ? a + (b - a) * done : b + (a - b) * (1 + std::cos(std::numbers::pi * done)) / 2;
}

double plateau_factor(const Schedule& schedule, std::span<const double> scores) {
  double factor = 1;
  double best = -HUGE_VAL;
  double waited = 0;
  for (const double score : scores) {
    waited = score > best ? 0 : waited + 1;
    best = std::max(best, score);
    if (waited < schedule.patience) continue;
    factor *= schedule.gamma;
    waited = 0;
  }
  return std::max(factor, schedule.floor);
}

// t of `length` epochs.
double proper(const Schedule& schedule, double t, double length, std::span<const double> scores) {
  const double done = t / length;
  switch (schedule.kind) {
    case Schedule::Kind::step:
      return std::pow(schedule.gamma, std::floor(t / schedule.every));
    case Schedule::Kind::cosine:
      return between(1, schedule.floor, done, false);
    case Schedule::Kind::multi_step: {
      const double now = t + schedule.warmup;
      const auto reached = std::ranges::count_if(schedule.milestones, [&](double m) { return m <= now; });
      return std::pow(schedule.gamma, static_cast<double>(reached));
    }
    case Schedule::Kind::one_cycle:
      if (done < schedule.peak) return between(schedule.start, 1, done / schedule.peak, schedule.linear);
      return between(1, schedule.floor, (done - schedule.peak) / (1 - schedule.peak), schedule.linear);
    case Schedule::Kind::polynomial:
      return schedule.floor + (1 - schedule.floor) * std::pow(1 - done, schedule.power);
    case Schedule::Kind::plateau:
      return plateau_factor(schedule, scores);
    case Schedule::Kind::constant:
      break;
  }
  return 1;
}

}  // namespace

double schedule_factor(const Schedule& schedule, double epoch, double epochs, std::span<const double> scores) {
  check(schedule, epochs);
  const double length = epochs - schedule.warmup;
  if (epoch < schedule.warmup) return epoch / schedule.warmup * proper(schedule, 0, length, {});
  return proper(schedule, epoch - schedule.warmup, length, scores);
}

}  // namespace fovea
