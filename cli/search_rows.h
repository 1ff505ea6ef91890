#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "fovea/train.h"
#include "train/trial_store.h"

namespace fovea::cli {

// A row of a comparison that came to an end, or failed.
struct ComparedRow {
  std::string name;
  Trial trial;
  History history;  // of the first fold
};

// The rows in the recipe's order: validation top-1, how much more that is than in the row before, and of the epoch
// with it the training top-1; and their validation curves as `picture`.
void report_rows(const std::vector<ComparedRow>& rows, const std::string& title, const std::filesystem::path& picture);

}  // namespace fovea::cli
