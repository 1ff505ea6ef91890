#pragma once

#include "fovea/schedule.h"
#include "train/option_fields.h"

namespace fovea {

// Point into `schedule`: all options, those that its kind does not look at too.
OptionFields fields_of(Schedule& schedule);

// "one_cycle"
std::string schedule_name(Schedule::Kind kind);
// Throws Error(usage) suggesting the nearest.
Schedule::Kind schedule_kind(const std::string& name);

}  // namespace fovea
