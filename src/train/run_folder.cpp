#include "train/run_folder.h"

#include <fmt/format.h>

#include <system_error>

#include "core/text.h"
#include "fovea/error.h"
#include "io/json.h"

namespace fovea {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail_creating(const fs::path& folder, const std::error_code& error) {
  throw Error(ErrorKind::data, fmt::format("cannot create {}: {}", printable(folder), error.message()));
}

}  // namespace

fs::path create_run_folder(const fs::path& parent, const std::string& name) {
  if (name.empty() || name.find('/') != std::string::npos || name == "." || name == "..") {
    throw Error(ErrorKind::usage, fmt::format("{} is no name for a run", quote_name(name)));
  }
  std::error_code error;
  fs::create_directories(parent, error);
  if (error) fail_creating(parent, error);
  for (int count = 1;; ++count) {
    fs::path folder = parent / (count == 1 ? name : fmt::format("{}-{}", name, count));
    // False when something of that name exists: of two programs at once only one gets true.
    if (fs::create_directory(folder, error)) return folder;
    if (error && error != std::errc::file_exists) fail_creating(folder, error);
  }
}

void claim_run_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail_creating(folder, error);
  const bool empty = fs::is_empty(folder, error);
  if (error) fail_creating(folder, error);
  if (!empty) {
    throw Error(ErrorKind::usage,
                fmt::format("{} is not empty: a run is never overwritten; resume it, or choose another folder",
                            printable(folder)));
  }
}

fs::path epoch_file(const fs::path& run, int64_t epoch) { return run / fmt::format("epoch-{:04}.safetensors", epoch); }

std::string metrics_csv(const History& history) {
  std::string text = "epoch,lr,train_loss,train_top1,val_loss,val_top1,val_top5,seconds,images_per_second\n";
  for (const EpochRecord& r : history.epochs) {
    text += fmt::format("{},{:.6g},{:.6g},{:.6g},", r.epoch, r.learning_rate, r.train_loss, r.train_top1);
    text += r.validation
                ? fmt::format("{:.6g},{:.6g},{:.6g}", r.validation->loss, r.validation->top1, r.validation->top5)
                : std::string(",,");
    text += fmt::format(",{:.3f},{:.1f}\n", r.seconds, r.images_per_second);
  }
  return text;
}

std::string metrics_jsonl(const History& history) {
  std::string text;
  for (const EpochRecord& r : history.epochs) {
    nlohmann::ordered_json line = {
        {"epoch", r.epoch}, {"lr", r.learning_rate}, {"train_loss", r.train_loss}, {"train_top1", r.train_top1}};
    if (r.validation) {
      line["val_loss"] = r.validation->loss;
      line["val_top1"] = r.validation->top1;
      line["val_top5"] = r.validation->top5;
    }
    line["seconds"] = r.seconds;
    line["images_per_second"] = r.images_per_second;
    text += line.dump() + '\n';
  }
  return text;
}

}  // namespace fovea
