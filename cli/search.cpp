#include "fovea/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "core/file.h"
#include "core/text.h"
#include "fovea/chart.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/run_folder.h"
#include "interrupt.h"
#include "options.h"
#include "progress.h"
#include "search_recipe.h"
#include "search_rows.h"
#include "table.h"
#include "train/trial_store.h"
#include "training_data.h"
#include "trial_process.h"

namespace fovea::cli {

namespace {

namespace fs = std::filesystem;
using Method = SearchRecipe::Method;
using State = Trial::State;

struct SearchOptions {
  CommonOptions common;
  std::string recipe;
  std::string out;
};

struct Interrupted {};

// Whether the better one comes first: failed trials last, of equals the earlier first.
bool is_better(const Trial& a, const Trial& b) {
  const auto key = [](const Trial& trial) { return std::pair(trial.state == State::finished, trial.score); };
  return key(a) != key(b) ? key(a) > key(b) : a.id < b.id;
}

class Search {
 public:
  Search(SearchRecipe recipe, fs::path folder, std::optional<int> threads)
      : recipe_(std::move(recipe)), folder_(std::move(folder)), threads_(threads), stop_(catch_interrupts()) {
    fs::create_directories(folder_);
    std::vector<std::string> axes;
    for (const SearchAxis& axis : recipe_.space) axes.push_back(axis.name);
    store_ = std::make_unique<TrialStore>(folder_ / "search.sqlite", axes, recipe_.text);
    if (const size_t kept = store_->trials().size(); kept > 0)
      fmt::print("{} trials are kept in {}\n", kept, folder_.string());
  }

  void run() {
    switch (recipe_.method) {
      case Method::random:
        return run_settings(random_settings(recipe_.trials));
      case Method::rows:
      case Method::grid:
        return run_settings(grid_settings(recipe_.space, recipe_.points));
      case Method::refine:
        return refine();
      case Method::halving:
        return halve();
      case Method::reinforce:
        return reinforce();
    }
  }

  void report() const {
    std::map<int64_t, Trial> last;  // of each trial the last round
    for (const auto& [key, trial] : store_->trials()) {
      if (trial.state != State::running) last[trial.id] = trial;
    }
    std::vector<Trial> trials;
    for (const auto& [id, trial] : last) trials.push_back(trial);
    if (trials.empty()) return;
    if (recipe_.method == Method::rows) compare(trials);
    std::ranges::stable_sort(trials, is_better);
    if (recipe_.method != Method::rows) {
      print_trials(trials);
      draw(trials);
    }
    if (trials.front().state == State::finished) judge_best(trials.front());
  }

 private:
  std::vector<Setting> random_settings(int64_t count) const {
    std::vector<Setting> settings;
    for (int64_t i = 0; i < count; ++i) settings.push_back(random_setting(recipe_.space, recipe_.seed, i));
    return settings;
  }

  void run_settings(const std::vector<Setting>& settings) {
    total_ = std::ssize(settings);
    for (const Setting& setting : settings) run_trial(++last_id_, 1, recipe_.epochs.front(), setting);
  }

  // Rounds of random trials, each over what was best of the round before, for longer.
  void refine() {
    SearchSpace space = recipe_.space;
    total_ = recipe_.trials * std::ssize(recipe_.epochs);
    for (int64_t round = 1; round <= std::ssize(recipe_.epochs); ++round) {
      std::vector<ScoredSetting> tried;
      for (int64_t i = 0; i < recipe_.trials; ++i) {
        const int64_t id = ++last_id_;
        const Trial trial = run_trial(id, round, recipe_.epochs[static_cast<size_t>(round - 1)],
                                      random_setting(space, recipe_.seed, id - 1));
        if (trial.state == State::finished) tried.push_back({trial.setting, trial.score});
      }
      if (tried.empty()) throw Error(ErrorKind::failure, fmt::format("no trial of round {} came to an end", round));
      space = narrow(space, tried);
    }
  }

  // All trials for a few epochs, the better of them for more, and so on (Jamieson & Talwalkar 2016).
  void halve() {
    std::vector<int64_t> ids;
    for (int64_t id = 1; id <= recipe_.trials; ++id) ids.push_back(id);
    total_ = recipe_.trials;
    for (int64_t round = 1; round <= std::ssize(recipe_.epochs); ++round) {
      std::vector<Trial> tried;
      for (const int64_t id : ids) {
        tried.push_back(run_trial(id, round, recipe_.epochs[static_cast<size_t>(round - 1)],
                                  random_setting(recipe_.space, recipe_.seed, id - 1)));
      }
      std::ranges::stable_sort(tried, is_better);
      std::erase_if(tried, [](const Trial& trial) { return trial.state == State::failed; });
      tried.resize((tried.size() + static_cast<size_t>(recipe_.keep) - 1) / static_cast<size_t>(recipe_.keep));
      ids.clear();
      for (const Trial& trial : tried) ids.push_back(trial.id);
      std::ranges::sort(ids);
    }
  }

  // What was learned is what the trials that are kept teach, in their order.
  void reinforce() {
    SearchController controller(recipe_.space, recipe_.seed);
    total_ = recipe_.trials;
    for (int64_t id = 1; id <= recipe_.trials; ++id) {
      const Trial trial = run_trial(id, 1, recipe_.epochs.front(), controller.sample(id - 1));
      controller.learn(trial.setting, trial.score);
    }
    std::string words;
    const Setting likeliest = controller.likeliest();
    for (size_t i = 0; i < likeliest.size(); ++i) {
      words += fmt::format("{}{} = {}", i > 0 ? ", " : "", recipe_.space[i].name, likeliest[i]);
    }
    fmt::print("the controller's likeliest: {}\n", words);
  }

  // As it is kept, where it came to an end already.
  Trial run_trial(int64_t id, int64_t round, int64_t epochs, const Setting& setting) {
    const auto kept = store_->trials().find({id, round});
    if (kept != store_->trials().end()) {
      const Trial& trial = kept->second;
      if (trial.state != State::running) return trial;
    }
    Trial trial{.id = id, .round = round, .epochs = epochs, .setting = setting};
    store_->save(trial);
    double score = 0;
    trial.state = State::finished;
    for (int64_t fold = 1; fold <= recipe_.folds && trial.state == State::finished; ++fold) {
      score += run_fold(trial, fold) / static_cast<double>(recipe_.folds);
    }
    if (trial.state == State::finished) trial.score = score;
    store_->save(trial);
    print_trial(trial);
    return trial;
  }

  fs::path trial_folder(int64_t id, int64_t fold) const {
    return folder_ / (recipe_.folds == 1 ? fmt::format("trial-{:04}", id) : fmt::format("trial-{:04}-{}", id, fold));
  }

  // Trains, or goes on training; returns the best validation accuracy.
  double run_fold(Trial& trial, int64_t fold) {
    const fs::path run = trial_folder(trial.id, fold);
    const bool started = fs::exists(run / "config.json");
    if (!started) fs::remove_all(run);  // killed before it could be gone on with
    std::vector<std::string> arguments = {"train", started ? "--resume" : "--out", run.string(),
                                          fmt::format("--epochs={}", trial.epochs)};
    if (threads_) arguments.push_back(fmt::format("--threads={}", *threads_));
    if (!started) {
      std::ranges::copy(recipe_.arguments(trial.setting), std::back_inserter(arguments));
      if (recipe_.folds > 1) arguments.push_back(fmt::format("--fold={}/{}", fold, recipe_.folds));
    }
    const ProcessResult result = run_self(arguments, run.string() + ".log");
    if (stop_) throw Interrupted();
    if (result.code == static_cast<int>(ErrorKind::failure)) {
      trial.state = State::failed;
      trial.note = result.last_error;
      return 0;
    }
    if (result.code != 0) {
      const std::string why =
          result.last_error.starts_with("fovea: ") ? result.last_error.substr(7) : result.last_error;
      const bool known = result.code >= 2 && result.code <= 5;
      throw Error(known ? static_cast<ErrorKind>(result.code) : ErrorKind::failure,
                  fmt::format("trial {} ended with code {}: {}", trial.id, result.code, why));
    }
    const History history = read_history(run);
    store_->save_epochs(trial.id, fold, history);
    for (const EpochRecord& record : history.epochs) trial.seconds += record.seconds;
    return history.best_top1;
  }

  std::string describe(const Setting& setting) const {
    std::string text;
    for (size_t i = 0; i < setting.size(); ++i) {
      text += fmt::format("{}{} {}", i > 0 ? "  " : "", recipe_.space[i].name, setting[i]);
    }
    return text;
  }

  void print_trial(const Trial& trial) const {
    double best = 0;
    for (const auto& [key, one] : store_->trials()) best = std::max(best, one.score);
    const std::string score = trial.state == State::failed ? "failed" : fmt::format("{:.2f} %", 100 * trial.score);
    fmt::print("trial {}/{}  {}  epochs {}  {}  {}  (best {:.2f} %)\n", trial.id, total_, describe(trial.setting),
               trial.epochs, format_duration(trial.seconds), score, 100 * best);
    std::fflush(stdout);
  }

  void compare(const std::vector<Trial>& trials) const {
    std::vector<ComparedRow> rows;
    for (const Trial& trial : trials) {
      const bool whole = trial.state == State::finished;
      rows.push_back({trial.setting.front(), trial, whole ? read_history(trial_folder(trial.id, 1)) : History{}});
    }
    report_rows(rows, folder_.filename().string(), folder_ / "curves.svg");
  }

  void print_trials(const std::vector<Trial>& trials) const {
    constexpr size_t shown = 10;
    Line header = {"trial", "epochs", "top-1"};
    std::string sides = "rrr";
    for (const SearchAxis& axis : recipe_.space) {
      header.push_back(axis.name);
      sides += 'l';
    }
    std::vector<Line> lines = {header};
    for (const Trial& trial : trials) {
      if (lines.size() > shown) break;
      lines.push_back({fmt::format("{}", trial.id), fmt::format("{}", trial.epochs),
                       trial.state == State::failed ? "failed" : fmt::format("{:.2f} %", 100 * trial.score)});
      lines.back().insert(lines.back().end(), trial.setting.begin(), trial.setting.end());
    }
    fmt::print("\n");
    print_table(lines, sides);
  }

  void draw(const std::vector<Trial>& trials) const {
    ParallelChart chart{.title = fmt::format("{} trials", trials.size())};
    for (const SearchAxis& axis : recipe_.space) {
      chart.axes.push_back({axis.name, axis.kind == SearchAxis::Kind::log_uniform, axis.choices});
    }
    chart.axes.push_back({"top-1, percent", false, {}});
    for (const Trial& trial : trials) {
      if (trial.state != State::finished) continue;
      std::vector<double>& line = chart.lines.emplace_back();
      for (size_t i = 0; i < trial.setting.size(); ++i) {
        const std::vector<std::string>& words = recipe_.space[i].choices;
        line.push_back(words.empty() ? std::stod(trial.setting[i])
                                     : static_cast<double>(std::ranges::find(words, trial.setting[i]) - words.begin()));
      }
      line.push_back(100 * trial.score);
    }
    if (chart.lines.empty()) return;
    const std::string svg = to_svg(chart);
    write_file_atomically(folder_ / "trials.svg", std::as_bytes(std::span(svg)));
  }

  // By pictures that no choice depended on.
  void judge_best(const Trial& best) const {
    const fs::path run = trial_folder(best.id, 1);
    fmt::print("\nbest      trial {}: {:.2f} % of the pictures held out, kept in {}\n", best.id, 100 * best.score,
               run.string());
    DataOptions as_it_was;
    as_it_was.on_bad_picture.clear();
    const TrainingData data = open_run_data(read_run_config(run), as_it_was);
    if (!data.test) return;
    Model model = load_model(run / "best.safetensors");
    fmt::print("test      top-1 {:.2f} %\n", 100 * evaluate(model, data.test).scores.top1);
  }

  SearchRecipe recipe_;
  fs::path folder_;
  std::optional<int> threads_;
  const std::atomic<bool>& stop_;
  std::unique_ptr<TrialStore> store_;
  int64_t last_id_ = 0;
  int64_t total_ = 0;
};

void run_search(const SearchOptions& options) {
  options.common.apply();
  require_option(options.recipe, "name a recipe: a TOML file that says what to search");
  SearchRecipe recipe = read_search_recipe(options.recipe);
  const fs::path folder =
      options.out.empty() ? fs::path("runs") / fs::path(options.recipe).stem() : fs::path(options.out);
  Search search(std::move(recipe), folder, options.common.threads);
  try {
    search.run();
  } catch (const Interrupted&) {
    fmt::print(stderr, "fovea: interrupted; finished trials are kept; go on with the same command\n");
    return;
  }
  search.report();
}

}  // namespace

Run add_search(CLI::App& program) {
  auto options = std::make_shared<SearchOptions>();
  CLI::App& command = add_command(program, "search", "Search for settings and networks that do well");
  add_option(command, "recipe", options->recipe, "what to search, as docs/search.md says").type_name("RECIPE.toml");
  add_option(command, "--out", options->out,
             "folder of the trials; a search that has begun there goes on; default: runs/RECIPE")
      .type_name("FOLDER");
  options->common.add(command);
  return [options] { run_search(*options); };
}

}  // namespace fovea::cli
