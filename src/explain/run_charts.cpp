#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "explain/picture_data.h"
#include "explain/svg.h"
#include "fovea/chart.h"
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
  constexpr double cell_width = 150, picture_side = 120, cell_height = 172;
  constexpr int64_t columns = 6;
  const auto count = std::min<int64_t>(most, std::ssize(assessment.mistakes));
  const int64_t rows = std::max<int64_t>(1, (count + columns - 1) / columns);
  Svg svg(cell_width * columns, cell_height * static_cast<double>(rows));
  if (count == 0) svg.text({cell_width * columns / 2, 90}, "no mistakes", 16, Anchor::middle);
  const std::vector<std::string>& names = dataset.class_names();
  Image image;
  for (int64_t i = 0; i < count; ++i) {
    const Mistake& mistake = assessment.mistakes[static_cast<size_t>(i)];
    dataset.read(mistake.item, image);
    const Point corner = {static_cast<double>(i % columns) * cell_width + 15,
                          static_cast<double>(i / columns) * cell_height + 8};
    svg.with_tooltip(dataset.item_name(mistake.item), [&] {
      svg.image(corner, picture_side, picture_side, data_address(image, static_cast<int>(2 * picture_side)));
    });
    const double middle = corner.x + picture_side / 2;
    svg.text({middle, corner.y + picture_side + 16}, names[static_cast<size_t>(mistake.label)], 12, Anchor::middle);
    svg.text({middle, corner.y + picture_side + 32},
             fmt::format("{} {:.0f} %", names[static_cast<size_t>(mistake.prediction)], 100 * mistake.confidence), 12,
             Anchor::middle, "fill=\"#b3261e\"");
  }
  return std::move(svg).finish();
}

}  // namespace fovea
