#include "search_rows.h"

#include <fmt/format.h>

#include <span>

#include "core/file.h"
#include "fovea/chart.h"
#include "progress.h"
#include "table.h"

namespace fovea::cli {

namespace {

double training_top1(const History& history) {
  return history.best_epoch == 0 ? 0 : history.epochs[static_cast<size_t>(history.best_epoch - 1)].train_top1;
}

Series curve(const ComparedRow& row) {
  Series series{.name = row.name};
  for (const EpochRecord& record : row.history.epochs) {
    if (!record.validation) continue;
    series.x.push_back(static_cast<double>(record.epoch));
    series.y.push_back(100 * record.validation->top1);
  }
  return series;
}

}  // namespace

void report_rows(const std::vector<ComparedRow>& rows, const std::string& title, const std::filesystem::path& picture) {
  std::vector<Line> lines = {{"row", "top-1", "change", "training", "time"}};
  LineChart chart{.title = title, .x_label = "epoch", .y_label = "validation top-1, percent"};
  const Trial* before = nullptr;
  for (const ComparedRow& row : rows) {
    const Trial& trial = row.trial;
    if (trial.state == Trial::State::failed) {
      lines.push_back({row.name, "failed", "", "", ""});
      before = nullptr;
      continue;
    }
    lines.push_back({row.name, fmt::format("{:.2f} %", 100 * trial.score),
                     before == nullptr ? "" : fmt::format("{:+.2f}", 100 * (trial.score - before->score)),
                     fmt::format("{:.2f} %", 100 * training_top1(row.history)), format_duration(trial.seconds)});
    chart.series.push_back(curve(row));
    before = &trial;
  }
  fmt::print("\n");
  print_table(lines, "lrrrr");
  if (chart.series.empty()) return;
  const std::string svg = to_svg(chart);
  write_file_atomically(picture, std::as_bytes(std::span(svg)));
  fmt::print("\ncurves    {}\n", picture.string());
}

}  // namespace fovea::cli
