#pragma once

#include "fovea/train.h"

namespace fovea {

// How good an epoch was, higher is better.
double score_of(const EpochRecord& record, Metric metric);

// Adds an epoch and says whether it is the best so far.
bool add_record(History& history, const EpochRecord& record, Metric metric);

// "top1", "top5", "loss". Throws Error(format) for another name.
const char* metric_name(Metric metric);
Metric metric_of(const std::string& name);

}  // namespace fovea
