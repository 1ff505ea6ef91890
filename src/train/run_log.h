#pragma once

#include <cstdint>
#include <filesystem>

#include "fovea/event_file.h"
#include "fovea/train.h"

namespace fovea {

// What can be watched while a run goes on: TensorBoard's curves of it, in its folder. Steps are those of the whole run.
class RunLog {
 public:
  // A run that starts at `step`: above 0 it goes on.
  RunLog(const std::filesystem::path& run_folder, int64_t step);

  // About a hundred points of each epoch.
  void add(const Progress& progress);
  void add(const EpochRecord& record, int64_t step);

 private:
  EventFile events_;
};

}  // namespace fovea
