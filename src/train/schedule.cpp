#include "fovea/schedule.h"

#include <fmt/format.h>

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

}  // namespace

double schedule_factor(const Schedule& schedule, double epoch, double epochs) {
  require(schedule.every > 0, "the epochs between two steps must be positive", schedule.every);
  require(schedule.gamma > 0, "gamma must be positive", schedule.gamma);
  require(schedule.floor >= 0 && schedule.floor <= 1, "the floor must be in [0, 1]", schedule.floor);
  require(schedule.warmup >= 0 && schedule.warmup < epochs, "the warm-up must be shorter than the run",
          schedule.warmup);
  if (epoch < schedule.warmup) return epoch / schedule.warmup;
  const double t = epoch - schedule.warmup;
  switch (schedule.kind) {
    case Schedule::Kind::step:
      return std::pow(schedule.gamma, std::floor(t / schedule.every));
    case Schedule::Kind::cosine: {
      const double done = t / (epochs - schedule.warmup);
      return schedule.floor + (1 - schedule.floor) * (1 + std::cos(std::numbers::pi * done)) / 2;
    }
    case Schedule::Kind::constant:
      break;
  }
  return 1;
}

}  // namespace fovea
