#pragma once

#include <string>

#include "command_line.h"

namespace fovea::cli {

// --mirror and --checksum of `fovea data fetch`.
struct FetchOptions {
  std::string mirror;
  std::string checksum;
  void add(CLI::App& command);
};

// Fetches a data set known by name, or an archive by its URL, into data_dir (default: $FOVEA_DATA, then ./data), where
// open_dataset() finds it. Throws Error(usage) for an unknown name, Error(data) when it cannot be had.
void run_fetch(const std::string& name, const std::string& data_dir, const FetchOptions& options);

}  // namespace fovea::cli
