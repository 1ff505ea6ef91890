#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>
#include <thread>

#include "fovea/model_file.h"
#include "fovea/parallel.h"
#include "fovea/random.h"
#include "fovea/run_folder.h"
#include "test_files.h"
#include "toy.h"

// A run that ends early, in whatever way, and is resumed equals one that was never interrupted, to the bit.
namespace fovea {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const auto train_set = toy_dataset(200, 2);  // 12 steps of 16 per epoch
const auto validation_set = toy_dataset(50, 3);

History run(const fs::path& folder, FitOptions options) {
  options.run_folder = folder;
  Model model = toy_model(1);
  return fit(model, train_set, validation_set, options);
}

History continue_run(const fs::path& folder) {
  Model model;
  return resume(model, train_set, validation_set, read_run_config(folder));
}

// Weights, optimiser and records, times left out.
struct Outcome {
  std::vector<std::pair<std::string, std::vector<float>>> last, best;
  std::vector<std::string> metrics;

  bool operator==(const Outcome&) const = default;
};

std::vector<std::pair<std::string, std::vector<float>>> tensors_in(const fs::path& path) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  std::vector<std::pair<std::string, std::vector<float>>> tensors;
  for (const SafetensorsEntry& entry : file.entries()) {
    const Tensor tensor = file.read_f32(entry.name);
    tensors.emplace_back(entry.name, std::vector<float>(tensor.values().begin(), tensor.values().end()));
  }
  return tensors;
}

Outcome outcome_of(const fs::path& folder) {
  Outcome outcome{tensors_in(folder / "last.safetensors"), tensors_in(folder / "best.safetensors"), {}};
  std::istringstream lines(read_text(folder / "metrics.csv"));
  for (std::string line; std::getline(lines, line);) {
    for (int column = 0; column < 2; ++column) line.resize(line.rfind(','));  // seconds, images_per_second
    outcome.metrics.push_back(line);
  }
  return outcome;
}

class Resume : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const TempFolder folder;
    run(folder / "run", toy_options());
    expected = outcome_of(folder / "run");
    ASSERT_EQ(expected.metrics.size(), 5U);
  }
  static Outcome expected;
};

Outcome Resume::expected;

TEST_F(Resume, AfterAnyStep) {
  for (const int stop_after : {1, 5, 11, 12, 13, 30, 47}) {
    const TempFolder folder;
    std::atomic<bool> stop{false};
    FitOptions options = toy_options();
    options.stop = &stop;
    int steps = 0;
    options.on_progress = [&](const Progress&) { stop = ++steps == stop_after; };
    EXPECT_TRUE(run(folder / "run", options).interrupted);
    EXPECT_EQ(steps, stop_after);
    EXPECT_FALSE(continue_run(folder / "run").interrupted);
    EXPECT_EQ(outcome_of(folder / "run"), expected) << "stopped after step " << stop_after;
  }
}

TEST_F(Resume, AgainAndAgainWithAnyNumberOfThreads) {
  const TempFolder folder;
  const int before = thread_count();
  FitOptions options = toy_options();
  options.run_folder = folder / "run";
  std::atomic<bool> stop{false};
  options.stop = &stop;
  int steps = 0;
  options.on_progress = [&](const Progress&) { stop = ++steps % 7 == 0; };
  Model model = toy_model(1);
  History history = fit(model, train_set, validation_set, options);
  for (int round = 0; history.interrupted; ++round) {
    set_thread_count(1 + round % 3);
    stop = false;
    history = resume(model, train_set, validation_set, options);
  }
  set_thread_count(before);
  EXPECT_EQ(steps, 48);
  EXPECT_EQ(outcome_of(folder / "run"), expected);
}

// With every kind of state that a run can have.
TEST_F(Resume, OfEveryOptimiser) {
  for (const char* optimizer :
       {"rmsprop momentum 0.5 centered", "adagrad", "adam amsgrad", "adamw", "lion", "lamb lr 0.01", "muon"}) {
    FitOptions options = toy_options();
    options.epochs = 3;
    options.optimizer = parse_optimizer(optimizer);
    options.schedule = parse_schedule("plateau patience 1 gamma 0.5 warmup 0.5");
    options.lookahead = {.every = 3};
    options.accumulate = 2;
    options.clip_norm = 1;
    options.ema = 0.9;
    options.rules = {.frozen = {"bn.*"}, .rates = {{"fc.*", 2}}, .decay_weights_only = true};
    options.best_by = Metric::loss;
    const TempFolder folder;
    run(folder / "whole", options);
    std::atomic<bool> stop{false};
    int steps = 0;
    options.stop = &stop;
    options.on_progress = [&](const Progress&) { stop = ++steps == 8; };
    EXPECT_TRUE(run(folder / "parts", options).interrupted);
    continue_run(folder / "parts");
    EXPECT_EQ(outcome_of(folder / "parts"), outcome_of(folder / "whole")) << optimizer;
  }
}

TEST_F(Resume, FinishedRunReturnsItsHistory) {
  const TempFolder folder;
  const History done = run(folder / "run", toy_options());
  const History again = continue_run(folder / "run");
  EXPECT_EQ(again.epochs.size(), 4U);
  EXPECT_EQ(again.best_epoch, done.best_epoch);
  EXPECT_EQ(outcome_of(folder / "run"), expected);
}

TEST_F(Resume, EpochsMayBeRaised) {
  const TempFolder folder;
  FitOptions options = toy_options();
  options.epochs = 2;
  run(folder / "run", options);
  options = read_run_config(folder / "run");
  options.epochs = 4;
  Model model;
  resume(model, train_set, validation_set, options);
  EXPECT_EQ(outcome_of(folder / "run"), expected);
  EXPECT_EQ(read_run_config(folder / "run").epochs, 4);
}

TEST_F(Resume, RefusesAnotherSeedBatchOrData) {
  const TempFolder folder;
  run(folder / "run", toy_options());
  const auto refusal = [&](const std::shared_ptr<const Dataset>& data, auto change) {
    FitOptions options = read_run_config(folder / "run");
    change(options);
    Model model;
    return error_of(ErrorKind::usage, [&] { resume(model, data, nullptr, options); });
  };
  EXPECT_THAT(refusal(train_set, [](FitOptions& o) { o.seed = 5; }), HasSubstr("another seed: the run has 11, got 5"));
  EXPECT_THAT(refusal(train_set, [](FitOptions& o) { o.batch = 8; }), HasSubstr("another batch"));
  EXPECT_THAT(refusal(toy_dataset(199, 2), [](FitOptions&) {}), HasSubstr("number of training pictures"));
}

TEST_F(Resume, RefusesWhatIsNoCheckpoint) {
  const TempFolder folder;
  run(folder / "run", toy_options());
  fs::copy_file(folder / "run/best.safetensors", folder / "run/last.safetensors", fs::copy_options::overwrite_existing);
  EXPECT_THAT(error_of(ErrorKind::format, [&] { continue_run(folder / "run"); }), HasSubstr("no checkpoint to resume"));
  fs::remove(folder / "run/last.safetensors");
  EXPECT_THAT(error_of(ErrorKind::data, [&] { continue_run(folder / "run"); }), HasSubstr("last.safetensors"));
}

TEST_F(Resume, RefusesDamagedPositions) {
  const TempFolder folder;
  run(folder / "run", toy_options());
  const fs::path path = folder / "run/last.safetensors";
  const Model model = load_model(path);
  const SafetensorsFile file = SafetensorsFile::open(path);
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const SafetensorsEntry& entry : file.entries()) tensors.emplace_back(entry.name, file.read_f32(entry.name));
  std::vector<NamedTensor> named;
  for (const auto& [name, tensor] : tensors) named.push_back({name, &tensor});
  const auto refusal = [&](const std::string& from, const std::string& to) {
    auto metadata = file.metadata();
    std::string& text = metadata["fovea.training"];
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << text;
    text.replace(at, from.size(), to);
    write_safetensors(path, named, metadata);
    return error_of(ErrorKind::format, [&] { continue_run(folder / "run"); });
  };
  EXPECT_THAT(refusal("\"step\":0", "\"step\":-1"), HasSubstr("makes no sense"));
  EXPECT_THAT(refusal("\"step\":0", "\"step\":13"), HasSubstr("makes no sense"));
  EXPECT_THAT(refusal("\"step\":0", "\"step\":null"), HasSubstr("a whole number expected"));
  EXPECT_THAT(refusal("\"batch\":16", "\"batch\":0"), HasSubstr("makes no sense"));
  EXPECT_THAT(refusal("\"seed\":11", "\"seed\":-11"), HasSubstr("not negative"));
  EXPECT_THAT(refusal("\"best_epoch\":", "\"best_epoch\":9"), HasSubstr("makes no sense"));
  EXPECT_THAT(refusal("\"best_top1\":", "\"best\":"), HasSubstr("'best_top1' is missing"));
  std::erase_if(named, [](const NamedTensor& item) { return item.name == "optimizer.velocity.fc.bias"; });
  write_safetensors(path, named, file.metadata());
  EXPECT_THAT(error_of(ErrorKind::format, [&] { continue_run(folder / "run"); }), HasSubstr("velocity.fc.bias"));
}

// ---- Processes that end -------------------------------------------------------------------------------------------

pid_t start_training(const fs::path& folder) {
  const pid_t child = fork();
  if (child == 0) {
    execl(FOVEA_TRAIN_TOY, FOVEA_TRAIN_TOY, folder.c_str(), nullptr);
    _exit(127);
  }
  return child;
}

int wait_for(pid_t child) {
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

void wait_until(const std::function<bool()>& condition) {
  for (int i = 0; i < 30'000 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// FOVEA_KILLS sets how often (default 5).
TEST_F(Resume, AfterSigkillAtRandomMoments) {
  const TempFolder folder;
  const fs::path path = folder / "run";
  const char* text = std::getenv("FOVEA_KILLS");
  const int kills = text != nullptr ? std::atoi(text) : 5;
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  int killed = 0;
  for (uint64_t attempt = 0; killed < kills; ++attempt) {
    // A run that was killed before its first checkpoint starts anew.
    if (!fs::exists(path / "config.json")) fs::remove_all(path);
    const pid_t child = start_training(path);
    std::this_thread::sleep_for(std::chrono::milliseconds(Random(seed).below(attempt, 100)));
    kill(child, SIGKILL);
    if (const int status = wait_for(child); WIFSIGNALED(status)) {
      ++killed;
    } else {
      ASSERT_EQ(status, 0);
      EXPECT_EQ(outcome_of(path), expected);
      fs::remove_all(path);
    }
  }
  if (!fs::exists(path / "config.json")) fs::remove_all(path);
  EXPECT_EQ(wait_for(start_training(path)), 0);
  EXPECT_EQ(outcome_of(path), expected);
}

TEST_F(Resume, AfterCtrlC) {
  const TempFolder folder;
  const fs::path path = folder / "run";
  const pid_t child = start_training(path);
  wait_until([&] { return fs::exists(path / "best.safetensors"); });
  kill(child, SIGINT);
  const int status = wait_for(child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_EQ(wait_for(start_training(path)), 0);
  EXPECT_EQ(outcome_of(path), expected);
}

TEST_F(Resume, AfterTheDiskWasFull) {
  const TempFolder folder;
  const int before = thread_count();
  set_thread_count(1);  // a forked child has no other threads
  const int status = status_of_child([&] {
    if (!mount_small_disk(folder.path(), "size=256k")) return cannot_set_up;
    FitOptions options = toy_options();
    options.on_epoch = [&](const EpochRecord& record) {
      if (record.epoch != 2) return;
      std::ofstream filler(folder / "filler", std::ios::binary);
      for (int i = 0; i < 256 && filler; ++i) filler << std::string(1024, 'x') << std::flush;
    };
    try {
      run(folder / "run", options);
      return 1;
    } catch (const Error& error) {
      const std::string_view message = error.what();
      const bool clear = error.kind() == ErrorKind::data && message.find("No space left on device") != message.npos &&
                         message.find('\n') == message.npos;
      if (!clear) return 2;
    }
    fs::remove(folder / "filler");
    if (load_model(folder / "run/last.safetensors").parameters().empty()) return 3;
    continue_run(folder / "run");
    return outcome_of(folder / "run") == expected ? 0 : 4;
  });
  set_thread_count(before);
  if (WEXITSTATUS(status) == cannot_set_up) GTEST_SKIP() << "mounting a small disk needs root";
  EXPECT_EQ(status, 0);
}

TEST_F(Resume, ReadOnlyDiskIsOneClearError) {
  const TempFolder folder;
  const int before = thread_count();
  set_thread_count(1);
  const int status = status_of_child([&] {
    if (!mount_small_disk(folder.path(), "size=1m")) return cannot_set_up;
    run(folder / "run", toy_options());
    if (mount("fovea", folder.path().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr) != 0) return cannot_set_up;
    const auto refused = [](auto&& body) {
      try {
        body();
      } catch (const Error& error) {
        return error.kind() == ErrorKind::data &&
               std::string_view(error.what()).find("Read-only file system") != std::string_view::npos;
      }
      return false;
    };
    if (!refused([&] { run(folder / "other", toy_options()); })) return 1;
    if (!refused([&] { continue_run(folder / "run"); })) return 2;
    return outcome_of(folder / "run") == expected ? 0 : 3;
  });
  set_thread_count(before);
  if (WEXITSTATUS(status) == cannot_set_up) GTEST_SKIP() << "mounting a read-only disk needs root";
  EXPECT_EQ(status, 0);
}

// ---- Run folders ---------------------------------------------------------------------------------------------------

TEST(RunFolder, NumbersWhatExists) {
  const TempFolder folder;
  EXPECT_EQ(create_run_folder(folder / "runs", "lenet5"), folder / "runs/lenet5");
  EXPECT_EQ(create_run_folder(folder / "runs", "lenet5"), folder / "runs/lenet5-2");
  write_text(folder / "runs/lenet5-3", "a file");
  EXPECT_EQ(create_run_folder(folder / "runs", "lenet5"), folder / "runs/lenet5-4");
  EXPECT_TRUE(fs::is_directory(folder / "runs/lenet5-4"));
}

TEST(RunFolder, RefusesNamesAndPlacesThatCannotBe) {
  const TempFolder folder;
  write_text(folder / "file", "x");
  EXPECT_THAT(error_of(ErrorKind::data, [&] { create_run_folder(folder / "file", "a"); }), HasSubstr("cannot create"));
  EXPECT_THAT(error_of(ErrorKind::data, [&] { create_run_folder("/proc", "a"); }), HasSubstr("cannot create /proc/a"));
  for (const char* name : {"", ".", "..", "a/b"}) {
    EXPECT_THAT(error_of(ErrorKind::usage, [&] { create_run_folder(folder.path(), name); }), HasSubstr("no name"));
  }
}

TEST(RunFolder, IsNeverOverwritten) {
  const TempFolder folder;
  write_text(folder / "precious", "x");
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { run(folder.path(), toy_options()); }), HasSubstr("is not empty"));
  EXPECT_EQ(folder.entries(), 1);
}

TEST(RunFolder, ConfigHoldsEveryOption) {
  const TempFolder folder;
  FitOptions options = toy_options();
  options.epochs = 1;
  options.workers = 2;
  options.save_every = 12.5;
  options.seed = UINT64_MAX;
  options.optimizer = Sgd{.lr = 0.1, .momentum = 0.7, .weight_decay = 1e-3, .nesterov = true, .max_norm = 3.5};
  options.loss = {.kind = Loss::Kind::cross_entropy, .label_smoothing = 0.1};
  options.schedule = {.kind = Schedule::Kind::cosine, .every = 3, .gamma = 0.3, .floor = 0.01, .warmup = 0.5};
  options.schedule.milestones = {1.5, 4};
  options.rules = {.frozen = {"conv.*"}, .rates = {{"fc.*", 2.5}}, .decay_weights_only = true};
  options.lookahead = {.every = 3, .alpha = 0.75};
  options.accumulate = 2;
  options.clip_norm = 5;
  options.clip_value = 0.5;
  options.ema = 0.9;
  options.best_by = Metric::loss;
  options.patience = 7;
  options.checkpoint_every = 2;
  options.keep_checkpoints = 4;
  options.details = {{"model", "toy"}, {"data", "stripes \"\xC3\xA9\""}};
  run(folder.path(), options);
  const FitOptions read = read_run_config(folder.path());
  EXPECT_EQ(read.epochs, 1);
  EXPECT_EQ(read.batch, 16);
  EXPECT_EQ(read.workers, 2);
  EXPECT_EQ(read.save_every, 12.5);
  EXPECT_EQ(read.seed, UINT64_MAX);
  EXPECT_EQ(to_text(read.optimizer), "sgd lr 0.1 momentum 0.7 weight-decay 0.001 nesterov max-norm 3.5");
  EXPECT_EQ(read.loss.kind, Loss::Kind::cross_entropy);
  EXPECT_EQ(read.loss.label_smoothing, 0.1);
  EXPECT_EQ(read.schedule.kind, Schedule::Kind::cosine);
  EXPECT_EQ(read.schedule.every, 3);
  EXPECT_EQ(read.schedule.gamma, 0.3);
  EXPECT_EQ(read.schedule.floor, 0.01);
  EXPECT_EQ(read.schedule.warmup, 0.5);
  EXPECT_EQ(read.schedule.milestones, (std::vector<double>{1.5, 4}));
  EXPECT_EQ(read.rules.frozen, options.rules.frozen);
  ASSERT_EQ(read.rules.rates.size(), 1U);
  EXPECT_EQ(read.rules.rates[0].pattern, "fc.*");
  EXPECT_EQ(read.rules.rates[0].factor, 2.5);
  EXPECT_TRUE(read.rules.decay_weights_only);
  EXPECT_EQ(read.lookahead.every, 3);
  EXPECT_EQ(read.lookahead.alpha, 0.75);
  EXPECT_EQ(read.accumulate, 2);
  EXPECT_EQ(read.clip_norm, 5);
  EXPECT_EQ(read.clip_value, 0.5);
  EXPECT_EQ(read.ema, 0.9);
  EXPECT_EQ(read.best_by, Metric::loss);
  EXPECT_EQ(read.patience, 7);
  EXPECT_EQ(read.checkpoint_every, 2);
  EXPECT_EQ(read.keep_checkpoints, 4);
  EXPECT_EQ(read.details, options.details);
  EXPECT_EQ(read.run_folder, folder.path());
}

TEST(RunFolder, RefusesDamagedConfigs) {
  const TempFolder folder;
  EXPECT_THAT(error_of(ErrorKind::data, [&] { read_run_config(folder.path()); }), HasSubstr("holds no training run"));
  const auto refusal = [&](const char* text) {
    write_text(folder / "config.json", text);
    return error_of(ErrorKind::format, [&] { read_run_config(folder.path()); });
  };
  EXPECT_THAT(refusal("{"), HasSubstr("config.json: invalid JSON"));
  EXPECT_THAT(refusal("[1]"), HasSubstr("config.json: a JSON object expected"));
  EXPECT_THAT(refusal("{\"epochs\": \"many\"}"), HasSubstr("a whole number expected, got"));
}

TEST(MetricsCsv, HasARowPerEpoch) {
  History history;
  history.epochs.push_back({.epoch = 1, .learning_rate = 0.1, .train_loss = 0.5, .train_top1 = 0.75, .seconds = 2});
  history.epochs.push_back({.epoch = 2,
                            .learning_rate = 0.05,
                            .train_loss = 0.25,
                            .train_top1 = 0.9,
                            .validation = Scores{0.3, 0.85, 1},
                            .seconds = 1.5,
                            .images_per_second = 100});
  EXPECT_EQ(metrics_csv(history),
            "epoch,lr,train_loss,train_top1,val_loss,val_top1,val_top5,seconds,images_per_second\n"
            "1,0.1,0.5,0.75,,,,2.000,0.0\n"
            "2,0.05,0.25,0.9,0.3,0.85,1,1.500,100.0\n");
}

}  // namespace
}  // namespace fovea
