#include "fovea/report.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "core/base64.h"
#include "fovea/run_folder.h"
#include "test_files.h"
#include "toy.h"

namespace fovea {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Base64, OfTheVectorsOfRfc4648) {
  const std::vector<std::pair<std::string, std::string>> vectors = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [text, encoded] : vectors) EXPECT_EQ(base64(bytes_of(text)), encoded);
}

Report small_report() {
  std::vector<Model> models(1, toy_model(1));
  const auto data = toy_dataset(30, 5);
  Report report{.title = "run <1> & \"two\"", .facts = {{"a", "<b>"}}, .dataset = data, .settings = {{"lr", "0.1"}}};
  report.assessment = assess(models, data);
  report.history.epochs = {{.epoch = 1, .learning_rate = 0.1, .train_loss = 1, .train_top1 = 0.5},
                           {.epoch = 2, .learning_rate = 0.1, .train_loss = 0.5, .train_top1 = 0.75}};
  report.network = "a <b>\nc";
  return report;
}

TEST(Report, IsOnePageThatNeedsNothingElse) {
  const Report report = small_report();
  const std::string page = to_html(report);
  EXPECT_THAT(page, HasSubstr("<title>run &lt;1&gt; &amp; &quot;two&quot;</title>"));
  EXPECT_THAT(page, HasSubstr("<dd>&lt;b&gt;</dd>"));
  EXPECT_THAT(page, HasSubstr("a &lt;b&gt;\nc\n"));
  for (const char* heading : {"Curves", "Classes", "Confusion matrix", "Calibration", "Worst mistakes", "Settings"}) {
    EXPECT_THAT(page, HasSubstr("<h2>" + std::string(heading)));
  }
  // Nothing is fetched: addresses are pictures written out, and the name of SVG's grammar.
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  for (size_t at = page.find("src=\""); at != std::string::npos; at = page.find("src=\"", at + 1)) {
    EXPECT_EQ(page.compare(at, 27, "src=\"data:image/png;base64,"), 0);
  }
  for (size_t at = page.find("http"); at != std::string::npos; at = page.find("http", at + 1)) {
    EXPECT_EQ(page.compare(at, 26, "http://www.w3.org/2000/svg"), 0);
  }
}

TEST(Report, ShowsWhatTheDataWarnedOf) {
  Report report = small_report();
  EXPECT_THAT(to_html(report), Not(HasSubstr("Warnings about the data")));
  report.warnings.assign(52, "skipped: <a>");
  const std::string page = to_html(report);
  EXPECT_THAT(page, HasSubstr("<li>skipped: &lt;a&gt;</li>"));
  EXPECT_THAT(page, HasSubstr("<p>and 2 more</p>"));
}

TEST(Report, ShowsTheWorstMistakes) {
  Report report = small_report();
  ASSERT_GT(report.assessment->mistakes.size(), 3U);
  report.mistakes = 3;
  const auto count = [](const std::string& text, const char* word) {
    size_t found = 0;
    for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count(to_html(report), "<figure"), 3U);
  EXPECT_EQ(count(mistakes_svg(*report.assessment, *report.dataset, 3), "<image"), 3U);
  report.assessment->mistakes.clear();
  EXPECT_THAT(mistakes_svg(*report.assessment, *report.dataset), Not(HasSubstr("<image")));
}

TEST(Report, OfARun) {
  const TempFolder folder;
  FitOptions options = toy_options();
  options.run_folder = folder / "a run";
  options.details = {{"data", "toy <pictures>"}};
  Model model = toy_model(1);
  const auto validation = toy_dataset(30, 2);
  const History history = fit(model, toy_dataset(64, 1), validation, options);
  write_report(folder / "a run", validation);
  const std::string page = read_text(folder / "a run/report.html");
  EXPECT_THAT(page, HasSubstr("<h1>a run</h1>"));
  EXPECT_THAT(page, HasSubstr("<td>optimizer.lr</td><td class=\"text\">0.05</td>"));
  EXPECT_THAT(page, HasSubstr("toy &lt;pictures&gt;"));
  EXPECT_THAT(page, HasSubstr(fmt::format("{:.2f} %", 100 * history.best_top1)));
  for (const char* name : {"loss", "accuracy", "confusion", "reliability", "mistakes"}) {
    EXPECT_THAT(read_text(folder / fmt::format("a run/{}.svg", name)), testing::StartsWith("<svg ")) << name;
  }
  error_of(ErrorKind::data, [&] { write_report(folder / "nowhere", validation); });

  // metrics.jsonl says what metrics.csv says.
  std::istringstream lines(read_text(folder / "a run/metrics.jsonl"));
  size_t epoch = 0;
  for (std::string line; std::getline(lines, line); ++epoch) {
    const auto value = nlohmann::json::parse(line);
    EXPECT_EQ(value["epoch"], history.epochs[epoch].epoch);
    EXPECT_EQ(value["val_loss"], history.epochs[epoch].validation->loss);
  }
  EXPECT_EQ(epoch, history.epochs.size());
  EXPECT_EQ(read_history(folder / "a run").epochs.size(), history.epochs.size());
}

}  // namespace
}  // namespace fovea
