#include "train/judging.h"

#include <fmt/format.h>

#include <array>

#include "fovea/error.h"

namespace fovea {

namespace {

constexpr std::array names = {"top1", "top5", "loss"};  // in the order of Metric

}  // namespace

double score_of(const EpochRecord& record, Metric metric) {
  const std::optional<Scores>& scores = record.validation;
  switch (metric) {
    case Metric::top1:
      return scores ? scores->top1 : record.train_top1;
    case Metric::top5:
      return scores ? scores->top5 : 0;
    case Metric::loss:
      return -(scores ? scores->loss : record.train_loss);
  }
  return 0;
}

bool add_record(History& history, const EpochRecord& record, Metric metric) {
  history.epochs.push_back(record);
  const auto best_so_far = [&] { return history.epochs[static_cast<size_t>(history.best_epoch - 1)]; };
  if (history.best_epoch > 0 && score_of(record, metric) <= score_of(best_so_far(), metric)) return false;
  history.best_epoch = record.epoch;
  history.best_top1 = score_of(record, Metric::top1);
  return true;
}

const char* metric_name(Metric metric) { return names[static_cast<size_t>(metric)]; }

Metric metric_of(const std::string& name) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (name == names[i]) return static_cast<Metric>(i);
  }
  throw Error(ErrorKind::format, fmt::format("unknown metric '{}'", name));
}

}  // namespace fovea
