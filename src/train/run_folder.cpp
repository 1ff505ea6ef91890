#include "train/run_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include "core/file.h"
#include "core/text.h"
#include "fovea/error.h"
#include "io/json.h"
#include "io/json_values.h"

namespace fovea {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr uint64_t max_config = 1 << 20;  // bytes

constexpr std::array schedule_names = {std::pair{Schedule::Kind::constant, "constant"},
                                       std::pair{Schedule::Kind::step, "step"},
                                       std::pair{Schedule::Kind::cosine, "cosine"}};

constexpr std::array loss_names = {std::pair{Loss::Kind::cross_entropy, "cross_entropy"},
                                   std::pair{Loss::Kind::hinge, "hinge"}};

[[noreturn]] void fail_creating(const fs::path& folder, const std::error_code& error) {
  throw Error(ErrorKind::data, fmt::format("cannot create {}: {}", printable(folder), error.message()));
}

json to_json(const FitOptions& options) {
  const Sgd& sgd = options.optimizer;
  const Schedule& schedule = options.schedule;
  json details = json::object();
  for (const auto& [key, value] : options.details) details[printable(key)] = printable(value);
  const auto* kind = schedule_names.begin();
  while (kind->first != schedule.kind) ++kind;
  const auto* loss = loss_names.begin();
  while (loss->first != options.loss.kind) ++loss;
  return {{"epochs", options.epochs},
          {"batch", options.batch},
          {"seed", options.seed},
          {"workers", options.workers},
          {"save_every", options.save_every},
          {"optimizer",
           {{"type", "sgd"},
            {"lr", sgd.lr},
            {"momentum", sgd.momentum},
            {"weight_decay", sgd.weight_decay},
            {"nesterov", sgd.nesterov},
            {"max_norm", sgd.max_norm}}},
          {"loss", {{"kind", loss->second}, {"label_smoothing", options.loss.label_smoothing}}},
          {"schedule",
           {{"kind", kind->second},
            {"every", schedule.every},
            {"gamma", schedule.gamma},
            {"floor", schedule.floor},
            {"warmup", schedule.warmup}}},
          {"details", std::move(details)}};
}

double number(const json& object, const char* key) { return json_number(json_member(object, key)); }

Sgd sgd_from_json(const json& value) {
  if (const std::string& type = json_text(json_member(value, "type")); type != "sgd") {
    throw Error(ErrorKind::format, fmt::format("unknown optimizer {}", quote_name(type)));
  }
  const json& nesterov = json_member(value, "nesterov");
  const double max_norm = value.contains("max_norm") ? number(value, "max_norm") : 0;  // runs from before it
  return {number(value, "lr"), number(value, "momentum"), number(value, "weight_decay"), nesterov == json(true),
          max_norm};
}

Schedule schedule_from_json(const json& value) {
  const std::string& name = json_text(json_member(value, "kind"));
  for (const auto& [kind, kind_name] : schedule_names) {
    if (name != kind_name) continue;
    return {kind, number(value, "every"), number(value, "gamma"), number(value, "floor"), number(value, "warmup")};
  }
  throw Error(ErrorKind::format, fmt::format("unknown schedule {}", quote_name(name)));
}

Loss loss_from_json(const json& value) {
  const std::string& name = json_text(json_member(value, "kind"));
  for (const auto& [kind, kind_name] : loss_names) {
    if (name == kind_name) return {kind, number(value, "label_smoothing")};
  }
  throw Error(ErrorKind::format, fmt::format("unknown loss {}", quote_name(name)));
}

FitOptions options_from_json(const json& value) {
  FitOptions options;
  options.epochs = json_integer(json_member(value, "epochs"));
  options.batch = json_integer(json_member(value, "batch"));
  options.seed = json_unsigned(json_member(value, "seed"));
  options.workers = static_cast<int>(std::clamp<int64_t>(json_integer(json_member(value, "workers")), 1, 1024));
  options.save_every = number(value, "save_every");
  options.optimizer = sgd_from_json(json_member(value, "optimizer"));
  options.schedule = schedule_from_json(json_member(value, "schedule"));
  if (value.contains("loss")) options.loss = loss_from_json(value["loss"]);  // runs from before it have none
  for (const auto& [key, text] : json_member(value, "details").items()) options.details[key] = json_text(text);
  return options;
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

void write_run_config(const FitOptions& options) {
  const std::string text = to_json(options).dump(2) + '\n';
  write_file_atomically(config_file(options.run_folder), std::as_bytes(std::span(text)));
}

FitOptions read_run_config(const fs::path& folder) {
  const fs::path path = config_file(folder);
  if (std::error_code error; !fs::exists(path, error)) {
    throw Error(ErrorKind::data, fmt::format("{} holds no training run: there is no config.json", printable(folder)));
  }
  const std::vector<std::byte> bytes = read_file(path, max_config);
  const std::string source = printable(path);
  const json value = parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, source);
  try {
    FitOptions options = options_from_json(value);
    options.run_folder = folder;
    return options;
  } catch (const Error& error) {
    throw Error(ErrorKind::format, fmt::format("{}: {}", source, error.what()));
  }
}

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
