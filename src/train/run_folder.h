#pragma once

#include <cstdint>
#include <filesystem>

#include "fovea/run_folder.h"

namespace fovea {

inline std::filesystem::path config_file(const std::filesystem::path& run) { return run / "config.json"; }
inline std::filesystem::path best_file(const std::filesystem::path& run) { return run / "best.safetensors"; }
inline std::filesystem::path last_file(const std::filesystem::path& run) { return run / "last.safetensors"; }
std::filesystem::path epoch_file(const std::filesystem::path& run, int64_t epoch);

// Creates the folder unless it exists and is empty. Throws Error(usage) when it holds something, Error(data) when it
// cannot be created.
void claim_run_folder(const std::filesystem::path& folder);

// Throws Error(data) when it cannot be written.
void write_run_config(const FitOptions& options);

}  // namespace fovea
