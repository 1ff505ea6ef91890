#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "fovea/chart.h"
#include "fovea/picture_sheet.h"
#include "fovea/report.h"

namespace fovea {

namespace {

Series over_epochs(const History& history, const char* name, const std::function<double(const EpochRecord&)>& value) {
  Series series{.name = name};
  for (const EpochRecord& record : history.epochs) {
    series.x.push_back(static_cast<double>(record.epoch));
    series.y.push_back(value(record));
  }
  return series;
}

// Training's curve, and validation's where there was one.
std::vector<Series> both(const History& history, double EpochRecord::*train, double Scores::*validation,
                         double factor) {
  const bool validated =
      std::ranges::any_of(history.epochs, [](const EpochRecord& r) { return r.validation.has_value(); });
  std::vector<Series> series = {
      over_epochs(history, "training", [&](const EpochRecord& r) { return factor * (r.*train); })};
  if (validated) {
    series.push_back(over_epochs(history, "validation", [&](const EpochRecord& r) {
      return r.validation ? factor * ((*r.validation).*validation) : std::nan("");
    }));
  }
  return series;
}

}  // namespace

std::string loss_svg(const History& history) {
  return to_svg(LineChart{
      .title = "Loss", .x_label = "epoch", .series = both(history, &EpochRecord::train_loss, &Scores::loss, 1)});
}

std::string accuracy_svg(const History& history) {
  return to_svg(LineChart{.title = "Accuracy",
                          .x_label = "epoch",
                          .y_label = "percent right",
                          .series = both(history, &EpochRecord::train_top1, &Scores::top1, 100)});
}

std::string reliability_svg(const Calibration& calibration) {
  Series found{.name = "found"};
  for (const CalibrationBin& bin : calibration.bins) {
    if (bin.count == 0) continue;
    found.x.push_back(bin.confidence);
    found.y.push_back(bin.accuracy);
  }
  return to_svg(LineChart{.title = "Reliability",
                          .x_label = "confidence",
                          .y_label = "fraction right",
                          .series = {found, {.name = "honest", .x = {0, 1}, .y = {0, 1}, .dashed = true}}});
}

std::string mistakes_svg(const Assessment& assessment, const Dataset& dataset, int64_t most) {
  const std::vector<std::string>& names = dataset.class_names();
  std::vector<SheetPicture> sheet;
  for (const Mistake& mistake : assessment.mistakes) {
    if (std::ssize(sheet) == most) break;
    SheetPicture& picture = sheet.emplace_back();
    dataset.read(mistake.item, picture.image);
    picture.lines = {
        names[static_cast<size_t>(mistake.label)],
        fmt::format("{} {:.0f} %", names[static_cast<size_t>(mistake.prediction)], 100 * mistake.confidence)};
    picture.tooltip = dataset.item_name(mistake.item);
  }
  return picture_sheet(sheet);
}

}  // namespace fovea
