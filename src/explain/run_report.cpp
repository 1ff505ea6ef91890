#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/file.h"
#include "core/text.h"
#include "core/units.h"
#include "fovea/chart.h"
#include "fovea/model_file.h"
#include "fovea/report.h"
#include "fovea/run_folder.h"
#include "fovea/summary.h"
#include "io/json.h"
#include "train/run_folder.h"

namespace fovea {

namespace {

using Named = std::vector<std::pair<std::string, std::string>>;

// Every number and text of config.json; what lies in objects has their names before its own: "optimizer.lr".
void flatten(const nlohmann::json& value, const std::string& name, Named& settings) {
  if (!value.is_object()) {
    settings.emplace_back(name, value.is_string() ? value.get<std::string>() : value.dump());
    return;
  }
  for (const auto& [key, member] : value.items()) {
    flatten(member, name.empty() || name == "details" ? key : fmt::format("{}.{}", name, key), settings);
  }
}

Named read_settings(const std::filesystem::path& folder) {
  read_run_config(folder);  // says what is wrong, if anything is
  const std::vector<std::byte> bytes = read_file(config_file(folder), 1 << 20);
  Named settings;
  flatten(parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, printable(config_file(folder))), "",
          settings);
  return settings;
}

std::string duration(double seconds) {
  const auto total = static_cast<int64_t>(seconds + 0.5);
  return total >= 3600 ? fmt::format("{} h {:02} min", total / 3600, total / 60 % 60)
                       : fmt::format("{} min {:02} s", total / 60, total % 60);
}

Named facts(const Report& report, const Totals& totals) {
  const Assessment& assessment = *report.assessment;
  double seconds = 0;
  for (const EpochRecord& record : report.history.epochs) seconds += record.seconds;
  Named facts = {{"top-1", fmt::format("{:.2f} %", 100 * assessment.scores.top1)}};
  if (assessment.classes.size() > 5) facts.emplace_back("top-5", fmt::format("{:.2f} %", 100 * assessment.scores.top5));
  facts.emplace_back("loss", fmt::format("{:.4f}", assessment.scores.loss));
  facts.emplace_back("mean F1", fmt::format("{:.1f} %", 100 * assessment.mean.f1));
  facts.emplace_back("best epoch", fmt::format("{} of {}", report.history.best_epoch, report.history.epochs.size()));
  facts.emplace_back("time", duration(seconds));
  facts.emplace_back("parameters", with_unit(totals.parameters));
  facts.emplace_back("multiply-adds", with_unit(totals.multiply_adds));
  facts.emplace_back("judged by", fmt::format("{} pictures", report.dataset->size()));
  if (!report.warnings.empty()) facts.emplace_back("warnings", fmt::format("{}", report.warnings.size()));
  return facts;
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  write_file_atomically(path, std::as_bytes(std::span(text)));
}

}  // namespace

void write_report(const std::filesystem::path& folder, std::shared_ptr<const Dataset> dataset,
                  std::vector<std::string> warnings) {
  Report report{.title = printable(std::filesystem::absolute(folder).lexically_normal().filename()),
                .history = read_history(folder),
                .dataset = dataset,
                .settings = read_settings(folder),
                .warnings = std::move(warnings)};
  std::vector<Model> models;
  models.push_back(load_model(report.history.best_epoch > 0 ? best_file(folder) : last_file(folder)));
  report.network = format_table(summarize(models[0].graph()));
  report.assessment = assess(models, dataset);
  report.facts = facts(report, total(models[0].graph()));

  if (!report.history.epochs.empty()) {
    write_text(folder / "loss.svg", loss_svg(report.history));
    write_text(folder / "accuracy.svg", accuracy_svg(report.history));
  }
  write_text(folder / "confusion.svg", to_svg(report.assessment->confusion));
  write_text(folder / "reliability.svg", reliability_svg(report.assessment->calibration));
  write_text(folder / "mistakes.svg", mistakes_svg(*report.assessment, *dataset));
  write_text(folder / "report.html", to_html(report));
}

}  // namespace fovea
