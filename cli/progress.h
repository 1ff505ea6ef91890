#pragma once

#include <cstdint>
#include <string>

#include "fovea/train.h"

namespace fovea::cli {

// Shows how a run goes on standard output: a bar that is drawn over and a line per epoch on a terminal, the lines alone
// when the output goes elsewhere.
class TrainingDisplay {
 public:
  explicit TrainingDisplay(int64_t epochs);

  void on_progress(const Progress& progress);
  void on_epoch(const EpochRecord& record);
  // Ends a bar that stands half drawn, before other output.
  void clear();

 private:
  int64_t epochs_;
  bool terminal_;
  bool drawn_ = false;
  double last_drawn_ = 0;
};

// "0:42", "1:02:03".
std::string format_duration(double seconds);

}  // namespace fovea::cli
