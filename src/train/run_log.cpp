#include "train/run_log.h"

#include <algorithm>

namespace fovea {

RunLog::RunLog(const std::filesystem::path& run_folder, int64_t step) : events_(run_folder) {
  if (step > 0) events_.add_restart(step);
  events_.flush();
}

void RunLog::add(const Progress& progress) {
  constexpr int64_t points = 100;
  if (progress.step % std::max<int64_t>(1, progress.steps / points) != 0) return;
  const int64_t step = (progress.epoch - 1) * progress.steps + progress.step;
  events_.add_scalar("train/loss", progress.loss, step);
  events_.add_scalar("train/top1", progress.top1, step);
  events_.add_scalar("learning_rate", progress.learning_rate, step);
  events_.add_scalar("images_per_second", progress.images_per_second, step);
}

void RunLog::add(const EpochRecord& record, int64_t step) {
  events_.add_scalar("epoch", static_cast<double>(record.epoch), step);
  events_.add_scalar("epoch/train_loss", record.train_loss, step);
  events_.add_scalar("epoch/train_top1", record.train_top1, step);
  if (record.validation) {
    events_.add_scalar("epoch/validation_loss", record.validation->loss, step);
    events_.add_scalar("epoch/validation_top1", record.validation->top1, step);
    events_.add_scalar("epoch/validation_top5", record.validation->top5, step);
  }
  events_.flush();
}

}  // namespace fovea
