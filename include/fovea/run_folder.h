#pragma once

#include <filesystem>
#include <string>

#include "fovea/train.h"

namespace fovea {

// What a training run leaves behind, each file written whole or not at all:
//   config.json       every option of the run; what resume reads
//   metrics.csv       a row per finished epoch (see metrics_csv)
//   metrics.jsonl     the same as JSON, an object on each line
//   events.out.*      curves for TensorBoard (see event_file.h), which grow; one file each time the run is started
//   best.safetensors  the model after the best epoch (History::best_epoch)
//   last.safetensors  the model, the optimiser and the position, to resume from
//   epoch-0010.safetensors  the same after an epoch, where FitOptions::checkpoint_every asks for it; to go on from it,
//                     copy it to last.safetensors

// Creates parent/name, or parent/name-2, -3, ... when that exists, and returns its path. Missing parents are created.
// Two programs at once get different folders. Throws Error(data) when it cannot be created, Error(usage) for a name
// that is empty or has a '/'.
std::filesystem::path create_run_folder(const std::filesystem::path& parent, const std::string& name);

// The options in a run's config.json, run_folder set, callbacks empty. Throws Error(data) when `folder` holds no run,
// Error(format) when the file is damaged.
FitOptions read_run_config(const std::filesystem::path& folder);

// "epoch,lr,train_loss,train_top1,val_loss,val_top1,val_top5,seconds,images_per_second" and a row per epoch; the
// val_ fields are empty without a validation set.
std::string metrics_csv(const History& history);
// The same with all digits; keys that have no value are left out.
std::string metrics_jsonl(const History& history);

// What the epochs of a run were like so far, of its last checkpoint. Throws Error(data) when there is none,
// Error(format) when it is damaged.
History read_history(const std::filesystem::path& folder);

}  // namespace fovea
