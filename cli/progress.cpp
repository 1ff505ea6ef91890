#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>

namespace fovea::cli {

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::string bar(double fraction) {
  constexpr int cells = 10;
  const int full = static_cast<int>(std::lround(fraction * cells));
  std::string text;
  for (int i = 0; i < cells; ++i) text += i < full ? "━" : "─";
  return text;
}

}  // namespace

std::string format_duration(double seconds) {
  const auto total = static_cast<int64_t>(std::lround(std::max(0.0, seconds)));
  if (total >= 3600) return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
  return fmt::format("{}:{:02}", total / 60, total % 60);
}

TrainingDisplay::TrainingDisplay(int64_t epochs) : epochs_(epochs), terminal_(isatty(STDOUT_FILENO) == 1) {}

void TrainingDisplay::on_progress(const Progress& p) {
  constexpr double redraw_every = 0.1;  // seconds
  if (!terminal_ || (now() - last_drawn_ < redraw_every && p.step != p.steps)) return;
  last_drawn_ = now();
  drawn_ = true;
  const double fraction = static_cast<double>(p.step) / static_cast<double>(p.steps);
  fmt::print("\r\033[Kepoch {}/{} {} {}/{}  loss {:.4f}  top-1 {:.2f} %  rate {:.2g}  {:.0f} images/s  {} left",
             p.epoch, p.epochs, bar(fraction), p.step, p.steps, p.loss, 100 * p.top1, p.learning_rate,
             p.images_per_second, format_duration(p.seconds_left));
  std::fflush(stdout);
}

void TrainingDisplay::on_epoch(const EpochRecord& r) {
  clear();
  std::string line = fmt::format("epoch {:>{}}/{}  loss {:.4f}  top-1 {:6.2f} %", r.epoch,
                                 std::to_string(epochs_).size(), epochs_, r.train_loss, 100 * r.train_top1);
  if (r.validation) {
    line += fmt::format("  |  validation loss {:.4f}  top-1 {:6.2f} %", r.validation->loss, 100 * r.validation->top1);
  }
  fmt::print("{}  |  rate {:.2g}  {:.0f} images/s  {}\n", line, r.learning_rate, r.images_per_second,
             format_duration(r.seconds));
  std::fflush(stdout);
}

void TrainingDisplay::clear() {
  if (drawn_) fmt::print("\r\033[K");
  drawn_ = false;
}

}  // namespace fovea::cli
