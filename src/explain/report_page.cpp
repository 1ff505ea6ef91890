#include <fmt/format.h>

#include <cmath>

#include "explain/picture_data.h"
#include "explain/svg.h"
#include "fovea/chart.h"
#include "fovea/report.h"

namespace fovea {

namespace {

constexpr std::string_view style = R"(
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 16px/1.45 Helvetica, Arial, sans-serif; color: #222; background: #fff; max-width: 62rem; margin: 0 auto;
  padding: 1rem; }
h1 { font-size: 1.6rem; margin: .4rem 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 .6rem; border-bottom: 1px solid #ddd; padding-bottom: .2rem; }
svg { display: block; max-width: 100%; height: auto; }
dl.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .6rem; margin: 0; }
dl.facts div { background: #f3f5f8; border-radius: .4rem; padding: .5rem .7rem; }
dl.facts dt { font-size: .8rem; color: #555; }
dl.facts dd { margin: 0; font-size: 1.15rem; overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)); gap: 1rem; }
.scroll { overflow-x: auto; }
.scroll svg { max-width: none; margin: 0 auto; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #eee; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
td.text { text-align: left; white-space: normal; overflow-wrap: anywhere; }
tr.sum td { border-top: 2px solid #999; font-weight: bold; }
.mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: .8rem; }
figure { margin: 0; font-size: .8rem; break-inside: avoid; overflow-wrap: anywhere; }
figure img { width: 100%; height: 7.5rem; object-fit: contain; background: #f3f5f8; image-rendering: pixelated; }
figure b { color: #b3261e; }
pre { font-size: .75rem; line-height: 1.35; overflow-x: auto; }
@media (max-width: 30rem) {
  table { font-size: .8rem; }
  th, td { padding: .2rem .3rem; }
}
@media print {
  body { font-size: 10.5pt; max-width: none; padding: 0; }
  h2 { break-after: avoid; }
  section.whole, tr, svg { break-inside: avoid; }
  .charts { grid-template-columns: 1fr 1fr; }
  .scroll, pre { overflow: visible; }
  .scroll svg { max-width: 100%; }
  pre { font-size: 6.5pt; }
}
)";

std::string escaped(std::string_view words) {
  std::string text = Svg::escaped(words);
  for (size_t at = text.find('"'); at != std::string::npos; at = text.find('"', at)) text.replace(at, 1, "&quot;");
  return text;
}

std::string percent(double value) {
  return std::isnan(value) ? std::string("–") : fmt::format("{:.1f} %", 100 * value);
}

// `whole`: not to be cut at the end of a printed page.
std::string section(std::string_view heading, const std::string& body, bool whole = true) {
  return fmt::format("<section{}>\n<h2>{}</h2>\n{}</section>\n", whole ? " class=\"whole\"" : "", heading, body);
}

std::string facts(const Report& report) {
  std::string body = "<dl class=\"facts\">\n";
  for (const auto& [name, value] : report.facts) {
    body += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escaped(name), escaped(value));
  }
  return body + "</dl>\n";
}

std::string rates_svg(const History& history) {
  Series series;
  for (const EpochRecord& record : history.epochs) {
    series.x.push_back(static_cast<double>(record.epoch));
    series.y.push_back(record.learning_rate);
  }
  return to_svg(LineChart{.title = "Learning rate", .x_label = "epoch", .series = {series}});
}

std::string curves(const History& history) {
  return section("Curves", fmt::format("<div class=\"charts\">\n{}{}{}</div>\n", loss_svg(history),
                                       accuracy_svg(history), rates_svg(history)));
}

std::string class_row(const std::string& name, const ClassScores& scores, const char* kind) {
  const std::string auc = std::isnan(scores.auc) ? "–" : fmt::format("{:.4f}", scores.auc);
  return fmt::format("<tr{}><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n", kind,
                     escaped(name), scores.items, percent(scores.precision), percent(scores.recall), percent(scores.f1),
                     auc);
}

std::string class_table(const Assessment& assessment) {
  std::string body =
      "<div class=\"scroll\"><table>\n<thead><tr><th>class</th><th>items</th><th>precision</th><th>recall</th>"
      "<th>F1</th><th>AUC</th></tr></thead>\n<tbody>\n";
  for (size_t k = 0; k < assessment.classes.size(); ++k) {
    body += class_row(assessment.confusion.class_names()[k], assessment.classes[k], "");
  }
  body += class_row("mean", assessment.mean, " class=\"sum\"");
  return section("Classes", body + "</tbody></table></div>\n", assessment.classes.size() <= 30);
}

std::string calibration(const Calibration& calibration) {
  const std::string words = fmt::format(
      "<p>Confidence is off by {:.2f} % on average (expected calibration error over {} bins), by {:.1f} % in the worst "
      "bin. A curve below the diagonal boasts, one above it is too modest.</p>\n",
      100 * calibration.expected_error, calibration.bins.size(), 100 * calibration.largest_error);
  return section("Calibration",
                 words + fmt::format("<div class=\"charts\">\n{}</div>\n", reliability_svg(calibration)));
}

std::string mistakes(const Report& report) {
  constexpr int side = 240;  // pixels
  const std::vector<Mistake>& all = report.assessment->mistakes;
  const std::vector<std::string>& names = report.dataset->class_names();
  std::string body = fmt::format("<p>{} of {} pictures are taken for another class.</p>\n<div class=\"mistakes\">\n",
                                 all.size(), report.assessment->mean.items);
  Image image;
  for (const Mistake& mistake : all) {
    if (&mistake - all.data() == report.mistakes) break;
    report.dataset->read(mistake.item, image);
    const std::string name = escaped(report.dataset->item_name(mistake.item));
    body += fmt::format(
        "<figure title=\"{0}\"><img alt=\"{0}\" src=\"{1}\"><figcaption>{2}<br><b>{3}</b> {4:.0f} %</figcaption>"
        "</figure>\n",
        name, data_address(image, side), escaped(names[static_cast<size_t>(mistake.label)]),
        escaped(names[static_cast<size_t>(mistake.prediction)]), 100 * mistake.confidence);
  }
  return section("Worst mistakes", body + "</div>\n", false);
}

std::string warnings(const std::vector<std::string>& lines) {
  constexpr size_t shown = 50;
  std::string body = "<ul>\n";
  for (size_t i = 0; i < std::min(shown, lines.size()); ++i) body += fmt::format("<li>{}</li>\n", escaped(lines[i]));
  body += "</ul>\n";
  if (lines.size() > shown) body += fmt::format("<p>and {} more</p>\n", lines.size() - shown);
  return section("Warnings about the data", body, false);
}

std::string settings(const Report& report) {
  std::string body = "<div class=\"scroll\"><table>\n";
  for (const auto& [name, value] : report.settings) {
    body += fmt::format("<tr><td>{}</td><td class=\"text\">{}</td></tr>\n", escaped(name), escaped(value));
  }
  return section("Settings", body + "</table></div>\n", false);
}

// Lines are kept.
std::string preformatted(std::string_view text) {
  std::string lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines += escaped(text.substr(0, end)) + '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return "<pre>" + lines + "</pre>\n";
}

}  // namespace

std::string to_html(const Report& report) {
  std::string body = facts(report);
  if (!report.history.epochs.empty()) body += curves(report.history);
  if (report.assessment) {
    body += class_table(*report.assessment);
    body += section("Confusion matrix", "<div class=\"scroll\">" + to_svg(report.assessment->confusion) + "</div>\n");
    body += calibration(report.assessment->calibration);
    if (report.dataset) body += mistakes(report);
  }
  if (!report.warnings.empty()) body += warnings(report.warnings);
  if (!report.network.empty()) body += section("Network", preformatted(report.network), false);
  if (!report.settings.empty()) body += settings(report);
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{0}</title>\n<style>{1}</style>\n</head>\n<body>\n<h1>{0}</h1>\n{2}</body>\n</html>\n",
      escaped(report.title), style, body);
}

}  // namespace fovea
