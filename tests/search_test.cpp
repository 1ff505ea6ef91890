#include "fovea/search.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "test_files.h"
#include "train/trial_store.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Kind = SearchAxis::Kind;

SearchSpace example_space() {
  return {{"lr", Kind::log_uniform, 1e-4, 1e-1, {}},
          {"momentum", Kind::uniform, 0.5, 0.9, {}},
          {"hidden", Kind::integer, 10, 13, {}},
          {"init", Kind::choice, 0, 0, {"he", "xavier"}}};
}

TEST(SearchSpace, RandomSettingsFillTheRangesEvenly) {
  const SearchSpace space = example_space();
  constexpr int count = 4000;
  std::vector<int> decades(3);
  std::map<std::string, int> hidden;
  std::map<std::string, int> init;
  for (int64_t trial = 0; trial < count; ++trial) {
    const Setting setting = random_setting(space, 7, trial);
    const double lr = std::stod(setting[0]);
    ASSERT_GE(lr, 1e-4);
    ASSERT_LE(lr, 1e-1);
    ++decades[static_cast<size_t>(std::clamp(std::floor(std::log10(lr)) + 4, 0.0, 2.0))];
    const double momentum = std::stod(setting[1]);
    ASSERT_TRUE(momentum >= 0.5 && momentum <= 0.9);
    ++hidden[setting[2]];
    ++init[setting[3]];
  }
  for (const int n : decades) EXPECT_NEAR(n, count / 3, 150);
  ASSERT_EQ(hidden.size(), 4U);
  for (const auto& [value, n] : hidden) EXPECT_NEAR(n, count / 4, 150) << value;
  EXPECT_NEAR(init["he"], count / 2, 150);
  EXPECT_EQ(random_setting(space, 7, 5), random_setting(space, 7, 5));
  EXPECT_NE(random_setting(space, 7, 5), random_setting(space, 8, 5));
}

TEST(SearchSpace, AGridHasEveryCombination) {
  const std::vector<Setting> grid = grid_settings(example_space(), 3);
  // lr 1e-4, 3.2e-3, 1e-1; momentum .5 .7 .9; hidden 10 12 13 (11.5 rounded); both inits
  EXPECT_EQ(grid.size(), 3U * 3 * 3 * 2);
  EXPECT_THAT(grid.front(), ElementsAre("0.0001", "0.5", "10", "he"));
  EXPECT_THAT(grid[1], ElementsAre("0.0001", "0.5", "10", "xavier"));
  EXPECT_THAT(grid.back(), ElementsAre("0.1", "0.9", "13", "xavier"));
  EXPECT_EQ(std::set<Setting>(grid.begin(), grid.end()).size(), grid.size());
  error_of(ErrorKind::usage, [] { grid_settings(example_space(), 1); });
  error_of(ErrorKind::usage, [] { grid_settings(example_space(), 1000); });
}

TEST(SearchSpace, NarrowsToTheBestQuarter) {
  std::vector<ScoredSetting> tried;
  for (int i = 0; i < 8; ++i) tried.push_back({{"0.05", "0.5", "10", "he"}, 0.1});
  tried[3] = {{"0.001", "0.7", "12", "xavier"}, 0.9};
  tried[6] = {{"0.002", "0.8", "12", "xavier"}, 0.8};
  const SearchSpace space = narrow(example_space(), tried);
  const double rim = std::pow(10, 0.3);  // a tenth of three decades
  EXPECT_NEAR(space[0].low, 0.001 / rim, 1e-9);
  EXPECT_NEAR(space[0].high, 0.002 * rim, 1e-9);
  EXPECT_NEAR(space[1].low, 0.66, 1e-9);
  EXPECT_NEAR(space[1].high, 0.84, 1e-9);
  EXPECT_EQ(space[2].low, 12);
  EXPECT_EQ(space[2].high, 12);
  EXPECT_THAT(space[3].choices, ElementsAre("xavier"));
  check_space(space);
  error_of(ErrorKind::usage, [] { narrow(example_space(), {}); });
}

TEST(SearchSpace, NonsenseIsRefused) {
  const auto refuses = [](SearchAxis axis, const char* word) {
    EXPECT_THAT(error_of(ErrorKind::usage, [&] { check_space({axis}); }), HasSubstr(word));
  };
  refuses({"lr", Kind::log_uniform, 0, 1, {}}, "positive");
  refuses({"lr", Kind::uniform, 2, 1, {}}, "'lr'");
  refuses({"n", Kind::integer, 1.5, 3, {}}, "whole");
  refuses({"c", Kind::choice, 0, 0, {}}, "choices");
  refuses({"c", Kind::choice, 0, 0, {"a", "a"}}, "differ");
  error_of(ErrorKind::usage, [] { check_space({{"a", Kind::uniform, 0, 1, {}}, {"a", Kind::uniform, 0, 1, {}}}); });
}

SearchSpace words(size_t axes) {
  SearchSpace space;
  for (size_t i = 0; i < axes; ++i) space.push_back({fmt::format("a{}", i), Kind::choice, 0, 0, {"p", "q", "r"}});
  return space;
}

// Right where each choice follows from the one before: p after nothing and r, q after p, r after q.
double reward_of(const Setting& setting) {
  char expected = 'p';
  double right = 0;
  for (const std::string& choice : setting) {
    right += choice[0] == expected ? 1 : 0;
    expected = choice == "p" ? 'q' : choice == "q" ? 'r' : 'p';
  }
  return right / static_cast<double>(setting.size());
}

TEST(SearchController, LearnsWhatPays) {
  SearchController controller(words(4), 3, 0.1);
  double early = 0;
  double late = 0;
  for (int64_t trial = 0; trial < 400; ++trial) {
    const Setting setting = controller.sample(trial);
    const double reward = reward_of(setting);
    (trial < 50 ? early : late) += trial < 50 || trial >= 350 ? reward / 50 : 0;
    controller.learn(setting, reward);
  }
  EXPECT_LT(early, 0.6);
  EXPECT_GT(late, 0.85);
  EXPECT_THAT(controller.likeliest(), ElementsAre("p", "q", "r", "p"));
}

TEST(SearchController, TheSameTrialsTeachTheSame) {
  const auto run = [](int64_t trials) {
    SearchController controller(words(3), 3);
    for (int64_t trial = 0; trial < trials; ++trial) {
      const Setting setting = controller.sample(trial);
      controller.learn(setting, reward_of(setting));
    }
    return controller.sample(99);
  };
  EXPECT_EQ(run(60), run(60));
  SearchController controller(words(2), 1);
  error_of(ErrorKind::usage, [&] { controller.learn({"p"}, 1); });
  error_of(ErrorKind::usage, [&] { controller.learn({"p", "x"}, 1); });
  error_of(ErrorKind::usage, [] { SearchController(example_space(), 1); });
}

TEST(TrialStore, KeepsTrialsAcrossOpenings) {
  const TempFolder folder;
  const auto path = folder / "search.sqlite";
  {
    TrialStore store(path, {"lr", "init"}, "recipe");
    EXPECT_TRUE(store.trials().empty());
    store.save({.id = 1, .setting = {"0.01", "he"}});
    store.save({.id = 2,
                .round = 3,
                .epochs = 4,
                .setting = {"0.1", "it's \"x\""},
                .state = Trial::State::failed,
                .note = "NaN"});
    store.save({.id = 1, .epochs = 5, .setting = {"0.01", "he"}, .state = Trial::State::finished, .score = 0.75});
    History history;
    history.epochs = {{.epoch = 1, .train_loss = 2, .validation = Scores{1, 0.5, 1}}, {.epoch = 2, .train_loss = 1}};
    store.save_epochs(1, 1, history);
    store.save_epochs(1, 1, history);  // takes their place
    EXPECT_THAT(error_of(ErrorKind::usage, [&] { TrialStore(path, {"lr", "init"}, "recipe"); }), HasSubstr("another"));
  }
  const TrialStore store(path, {"lr", "init"}, "recipe");
  ASSERT_EQ(store.trials().size(), 2U);
  const Trial& first = store.trials().at({1, 1});
  EXPECT_EQ(first.state, Trial::State::finished);
  EXPECT_EQ(first.score, 0.75);
  EXPECT_EQ(first.epochs, 5);
  const Trial& second = store.trials().at({2, 3});
  EXPECT_THAT(second.setting, ElementsAre("0.1", "it's \"x\""));
  EXPECT_EQ(second.round, 3);
  EXPECT_EQ(second.note, "NaN");
}

TEST(TrialStore, RefusesOtherFiles) {
  const TempFolder folder;
  { const TrialStore store(folder / "a.sqlite", {"lr"}, "recipe"); }
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { TrialStore(folder / "a.sqlite", {"lr"}, "other"); }),
              HasSubstr("another recipe"));
  write_text(folder / "b.sqlite", std::string(5000, 'x'));
  EXPECT_THAT(error_of(ErrorKind::format, [&] { TrialStore(folder / "b.sqlite", {"lr"}, "r"); }),
              HasSubstr("b.sqlite"));
  error_of(ErrorKind::data, [&] { TrialStore(folder / "no/where.sqlite", {"lr"}, "r"); });
}

}  // namespace
}  // namespace fovea
