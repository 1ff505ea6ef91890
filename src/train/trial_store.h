#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fovea/search.h"
#include "fovea/train.h"

struct sqlite3;

namespace fovea {

struct Trial {
  enum class State { running, finished, failed };
  int64_t id = 0;     // from 1
  int64_t round = 1;  // a trial that goes on in the next round of a search is kept for each
  int64_t epochs = 0;
  Setting setting{};
  State state = State::running;
  double score = 0;    // mean over the folds of the best validation top-1
  double seconds = 0;  // of all epochs
  std::string note{};  // why it failed
};

// What a search has tried, in one SQLite file, kept trial by trial: what save() returned from is on the disk.
//   search(key, value)                                                     what is searched, as text
//   trials(id, round, epochs, setting, state, score, seconds, note)        setting: JSON, {"lr": "0.01", ...}
//   epochs(trial, fold, epoch, lr, train_loss, train_top1, val_loss, val_top1, seconds)
class TrialStore {
 public:
  // Opens the file or creates it, for these axes and this recipe. Throws Error(data) when it cannot be opened,
  // Error(format) when it is no such file, Error(usage) when another program has it open or it is of another recipe.
  TrialStore(const std::filesystem::path& path, std::vector<std::string> axes, const std::string& recipe);
  ~TrialStore();
  TrialStore(const TrialStore&) = delete;
  TrialStore& operator=(const TrialStore&) = delete;

  // By id and round.
  const std::map<std::pair<int64_t, int64_t>, Trial>& trials() const { return trials_; }
  // Adds the trial, or takes the place of the one of its id and round.
  void save(const Trial& trial);
  // The curves of a trial's fold, in place of what there was.
  void save_epochs(int64_t trial, int64_t fold, const History& history);

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  class Statement;
  void execute(const char* sql);
  void check_recipe(const std::string& recipe);
  void read_trials();
  [[noreturn]] void fail(int code) const;

  std::string source_;
  std::vector<std::string> axes_;
  std::unique_ptr<sqlite3, Close> database_;
  std::map<std::pair<int64_t, int64_t>, Trial> trials_;
};

}  // namespace fovea
