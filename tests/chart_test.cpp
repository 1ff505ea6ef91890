#include "fovea/chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "fovea/metrics.h"
#include "test_files.h"

namespace fovea {
namespace {

using testing::HasSubstr;
using testing::Not;

size_t count_of(std::string_view text, std::string_view word) {
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

TEST(LineChart, JoinsPointsAndLeavesGaps) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const LineChart chart{.title = "loss & <rate>",
                        .x_label = "epoch",
                        .y_label = "loss",
                        .series = {{.name = "training", .x = {1, 2, 3, 4, 5}, .y = {5, 4, nan, 2, 1}}}};
  const std::string svg = to_svg(chart);
  EXPECT_THAT(svg, HasSubstr("loss &amp; &lt;rate&gt;"));
  EXPECT_THAT(svg, HasSubstr(">training</text>"));
  // x from 1 to 5 with 2 % at both ends over 62 to 466: 69.8 and 458.2; lines break at the gap.
  EXPECT_THAT(svg, HasSubstr("d=\"M 69.8 "));
  EXPECT_EQ(count_of(svg, "M "), 2U);
  EXPECT_THAT(svg, HasSubstr("458.2 "));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(LineChart, LogarithmicAxesHaveTicksAtPowersOfTen) {
  const LineChart chart{.title = "rates",
                        .log_x = true,
                        .series = {{.name = "a", .x = {0, 1e-4, 1e-2, 1}, .y = {1, 1, 2, 3}, .dashed = true}}};
  const std::string svg = to_svg(chart);
  for (const char* tick : {">0.0001<", ">0.001<", ">0.01<", ">0.1<", ">1<"}) EXPECT_THAT(svg, HasSubstr(tick));
  EXPECT_EQ(count_of(svg, "M "), 1U);
  EXPECT_EQ(count_of(svg, "L "), 2U);  // the point at x = 0 has no place
  EXPECT_THAT(svg, HasSubstr("stroke-dasharray"));
}

TEST(LineChart, AlonePointsAreDotsAndNoneIsAnError) {
  EXPECT_THAT(to_svg(LineChart{.title = "t", .series = {{.name = "a", .x = {1}, .y = {2}}}}), HasSubstr("<circle"));
  EXPECT_THAT(error_of(ErrorKind::usage,
                       [] {
                         to_svg(LineChart{.title = "empty", .series = {{"a", {}, {}}}});
                       }),
              HasSubstr("'empty'"));
  EXPECT_THAT(error_of(ErrorKind::usage,
                       [] {
                         to_svg(LineChart{.title = "t", .series = {{"a", {1}, {}}}});
                       }),
              HasSubstr("'a'"));
}

TEST(ParallelChart, DrawsALineAcrossAllAxes) {
  const ParallelChart chart{.title = "2 trials",
                            .axes = {{"lr", true, {}}, {"init", false, {"he", "xavier"}}, {"top-1", false, {}}},
                            .lines = {{1e-1, 0, 50}, {1e-3, 1, 60}}};
  const std::string svg = to_svg(chart);
  for (const char* words : {">lr<", ">init<", ">xavier<", ">top-1<", ">0.01<", ">55<"})
    EXPECT_THAT(svg, HasSubstr(words));
  // The best line last and thick: the least rate and the second word at the ends, the highest score at the top.
  EXPECT_THAT(
      svg,
      HasSubstr("d=\"M 80.0 400.0 L 230.0 76.0 L 380.0 76.0 \" fill=\"none\" stroke=\"#c22f30\" stroke-width=\"3\""));
  const auto refuses = [](ParallelChart bad, const char* word) {
    EXPECT_THAT(error_of(ErrorKind::usage, [&] { to_svg(bad); }), HasSubstr(word));
  };
  refuses({.title = "none"}, "'none'");
  refuses({.title = "t", .axes = {{"lr", true, {}}}, .lines = {{0.0}}}, "'lr'");
  refuses({.title = "t", .axes = {{"a", false, {"x"}}}, .lines = {{1.0}}}, "'a'");
  refuses({.title = "t", .axes = {{"a", false, {}}}, .lines = {{1.0, 2.0}}}, "2 numbers for 1 axes");
}

TEST(ConfusionChart, ShowsCountsAndTellsThemInFull) {
  ConfusionMatrix matrix({"cat", "dog & co"});
  for (int i = 0; i < 7; ++i) matrix.add(0, 0);
  matrix.add(0, 1);
  matrix.add(1, 1);
  const std::string svg = to_svg(matrix);
  EXPECT_THAT(svg, HasSubstr("cat taken for dog &amp; co: 1 of 8"));
  EXPECT_THAT(svg, HasSubstr(">7</text>"));
  EXPECT_THAT(svg, Not(HasSubstr("taken for cat: 0")));
  error_of(ErrorKind::usage, [] { to_svg(ConfusionMatrix()); });
}

TEST(ConfusionChart, OfManyClassesHasNoWords) {
  ConfusionMatrix matrix(std::vector<std::string>(100, "name"));
  matrix.add(3, 4);
  const std::string svg = to_svg(matrix);
  EXPECT_EQ(count_of(svg, "<text"), 2U);
  EXPECT_THAT(svg, HasSubstr("1 of 1"));
}

}  // namespace
}  // namespace fovea
