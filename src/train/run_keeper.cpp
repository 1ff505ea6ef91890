#include "train/run_keeper.h"

#include <fmt/format.h>

#include "core/file.h"
#include "core/text.h"
#include "fovea/model_file.h"
#include "train/run_folder.h"

namespace fovea {

double RunKeeper::seconds_since_save() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - saved_).count();
}

std::string RunKeeper::describe_kept() const {
  if (saved_at_.empty()) return "no checkpoint was saved";
  return fmt::format("the last good weights are in {} ({})", printable(last_file(options_.run_folder)), saved_at_);
}

void RunKeeper::begin(const Model& model, std::span<const OptimizerTensor> tensors, const TrainingState& state) {
  if (!active()) return;
  claim_run_folder(options_.run_folder);
  save(model, tensors, state);
  write_metrics(state.history);
  write_run_config(options_);  // last: a folder with a config can be resumed
  log_.emplace(options_.run_folder, 0);
}

void RunKeeper::go_on(const TrainingState& state, int64_t step, bool finished) {
  note(state);
  write_run_config(options_);
  write_metrics(state.history);
  if (!finished) log_.emplace(options_.run_folder, step);
}

void RunKeeper::add(const Progress& progress) {
  if (log_) log_->add(progress);
}

void RunKeeper::save(const Model& model, std::span<const OptimizerTensor> tensors, const TrainingState& state) {
  if (!active()) return;
  save_checkpoint(last_file(options_.run_folder), model, tensors, state);
  note(state);
}

void RunKeeper::save_epoch(const Model& model, std::span<const OptimizerTensor> tensors, const TrainingState& state,
                           int64_t step, bool best) {
  if (!active()) return;
  const std::filesystem::path& folder = options_.run_folder;
  // Killed in between, the run resumes from the older last.safetensors and writes the other files again.
  if (best) save_model(model, best_file(folder));
  if (options_.checkpoint_every > 0 && state.epoch % options_.checkpoint_every == 0) {
    save_checkpoint(epoch_file(folder, state.epoch), model, tensors, state);
    const int64_t outdated = state.epoch / options_.checkpoint_every - options_.keep_checkpoints;
    std::error_code ignored;
    if (options_.keep_checkpoints > 0 && outdated > 0) {
      std::filesystem::remove(epoch_file(folder, outdated * options_.checkpoint_every), ignored);
    }
  }
  save(model, tensors, state);
  write_metrics(state.history);
  if (log_) log_->add(state.history.epochs.back(), step);
}

void RunKeeper::note(const TrainingState& state) {
  saved_ = std::chrono::steady_clock::now();
  saved_at_ = fmt::format("epoch {}, step {}", state.epoch + 1, state.step);
}

void RunKeeper::write_metrics(const History& history) const {
  const auto write = [&](const char* name, const std::string& text) {
    write_file_atomically(options_.run_folder / name, std::as_bytes(std::span(text)));
  };
  write("metrics.csv", metrics_csv(history));
  write("metrics.jsonl", metrics_jsonl(history));
}

}  // namespace fovea
