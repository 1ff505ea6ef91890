#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/file.h"
#include "core/text.h"
#include "fovea/error.h"
#include "io/json.h"
#include "io/json_values.h"
#include "train/judging.h"
#include "train/optimizer_options.h"
#include "train/run_folder.h"
#include "train/schedule_text.h"

// config.json: every option of a run.
namespace fovea {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr uint64_t max_config = 1 << 20;  // bytes

constexpr std::array loss_names = {std::pair{Loss::Kind::cross_entropy, "cross_entropy"},
                                   std::pair{Loss::Kind::hinge, "hinge"}};

constexpr std::array balance_names = {std::pair{ClassBalance::none, "none"},
                                      std::pair{ClassBalance::weights, "weights"},
                                      std::pair{ClassBalance::sampling, "sampling"}};

json to_json(OptimizerOptions optimizer) {
  json value = {{"type", optimizer_name(optimizer)}};
  write_option_fields(value, fields_of(optimizer));
  return value;
}

json to_json(Schedule schedule) {
  json value = {{"kind", schedule_name(schedule.kind)}};
  write_option_fields(value, fields_of(schedule));
  return value;
}

json to_json(const Loss& loss) {
  const auto* name = std::ranges::find(loss_names, loss.kind, &std::pair<Loss::Kind, const char*>::first);
  return {{"kind", name->second}, {"label_smoothing", loss.label_smoothing}};
}

json to_json(const TrainingRules& rules) {
  json frozen = json::array();
  for (const std::string& pattern : rules.frozen) frozen.push_back(printable(pattern));
  json rates = json::array();
  for (const LayerRate& rate : rules.rates) {
    rates.push_back({{"pattern", printable(rate.pattern)}, {"factor", rate.factor}});
  }
  return {{"frozen", std::move(frozen)}, {"rates", std::move(rates)}, {"decay_weights_only", rules.decay_weights_only}};
}

json to_json(const FitOptions& options) {
  json details = json::object();
  for (const auto& [key, value] : options.details) details[printable(key)] = printable(value);
  const auto* balance = std::ranges::find(balance_names, options.balance, &std::pair<ClassBalance, const char*>::first);
  return {{"epochs", options.epochs},
          {"augmentation", printable(options.augmentation.text())},
          {"balance", balance->second},
          {"batch", options.batch},
          {"seed", options.seed},
          {"workers", options.workers},
          {"save_every", options.save_every},
          {"optimizer", to_json(options.optimizer)},
          {"schedule", to_json(options.schedule)},
          {"loss", to_json(options.loss)},
          {"rules", to_json(options.rules)},
          {"lookahead", {{"every", options.lookahead.every}, {"alpha", options.lookahead.alpha}}},
          {"accumulate", options.accumulate},
          {"clip_norm", options.clip_norm},
          {"clip_value", options.clip_value},
          {"ema", options.ema},
          {"best_by", metric_name(options.best_by)},
          {"patience", options.patience},
          {"checkpoint_every", options.checkpoint_every},
          {"keep_checkpoints", options.keep_checkpoints},
          {"details", std::move(details)}};
}

// Reads what is there: runs from before an option have it not.
class Reader {
 public:
  explicit Reader(const json& object) : object_(object) {}

  void read(const char* key, double& value) const {
    if (object_.contains(key)) value = json_number(object_[key]);
  }
  void read(const char* key, int64_t& value) const {
    if (object_.contains(key)) value = json_integer(object_[key]);
  }
  void read(const char* key, bool& value) const {
    if (object_.contains(key)) value = object_[key] == json(true);
  }
  // Calls body with the member.
  template <class Body>
  void with(const char* key, const Body& body) const {
    if (object_.contains(key)) body(object_[key]);
  }

 private:
  const json& object_;
};

OptimizerOptions optimizer_from_json(const json& value) {
  const std::string& type = json_text(json_member(value, "type"));
  const std::vector<std::string> names = optimizer_names();
  if (std::ranges::find(names, type) == names.end()) {
    throw Error(ErrorKind::format, fmt::format("unknown optimizer {}", quote_name(type)));
  }
  OptimizerOptions optimizer = default_optimizer(type);
  read_option_fields(value, fields_of(optimizer));
  return optimizer;
}

Schedule schedule_from_json(const json& value) {
  const std::string& name = json_text(json_member(value, "kind"));
  Schedule schedule;
  try {
    schedule.kind = schedule_kind(name);
  } catch (const Error&) {
    throw Error(ErrorKind::format, fmt::format("unknown schedule {}", quote_name(name)));
  }
  read_option_fields(value, fields_of(schedule));
  return schedule;
}

Loss loss_from_json(const json& value) {
  const std::string& name = json_text(json_member(value, "kind"));
  for (const auto& [kind, kind_name] : loss_names) {
    if (name == kind_name) return {kind, json_number(json_member(value, "label_smoothing"))};
  }
  throw Error(ErrorKind::format, fmt::format("unknown loss {}", quote_name(name)));
}

TrainingRules rules_from_json(const json& value) {
  TrainingRules rules;
  for (const json& pattern : json_array(value, "frozen")) rules.frozen.push_back(json_text(pattern));
  for (const json& rate : json_array(value, "rates")) {
    rules.rates.push_back({json_text(json_member(rate, "pattern")), json_number(json_member(rate, "factor"))});
  }
  Reader(value).read("decay_weights_only", rules.decay_weights_only);
  return rules;
}

ClassBalance balance_from_name(const std::string& name) {
  for (const auto& [balance, balance_name] : balance_names) {
    if (name == balance_name) return balance;
  }
  throw Error(ErrorKind::format, fmt::format("unknown balance {}", quote_name(name)));
}

FitOptions options_from_json(const json& value) {
  FitOptions options;
  options.epochs = json_integer(json_member(value, "epochs"));
  options.batch = json_integer(json_member(value, "batch"));
  options.seed = json_unsigned(json_member(value, "seed"));
  options.workers = static_cast<int>(std::clamp<int64_t>(json_integer(json_member(value, "workers")), 0, 1024));
  options.save_every = json_number(json_member(value, "save_every"));
  options.optimizer = optimizer_from_json(json_member(value, "optimizer"));
  options.schedule = schedule_from_json(json_member(value, "schedule"));
  for (const auto& [key, text] : json_member(value, "details").items()) options.details[key] = json_text(text);

  const Reader reader(value);
  reader.with("augmentation", [&](const json& text) { options.augmentation = Augmentation(json_text(text)); });
  reader.with("balance", [&](const json& name) { options.balance = balance_from_name(json_text(name)); });
  reader.with("loss", [&](const json& loss) { options.loss = loss_from_json(loss); });
  reader.with("rules", [&](const json& rules) { options.rules = rules_from_json(rules); });
  reader.with("lookahead", [&](const json& lookahead) {
    Reader(lookahead).read("every", options.lookahead.every);
    Reader(lookahead).read("alpha", options.lookahead.alpha);
  });
  reader.with("best_by", [&](const json& name) { options.best_by = metric_of(json_text(name)); });
  reader.read("accumulate", options.accumulate);
  reader.read("clip_norm", options.clip_norm);
  reader.read("clip_value", options.clip_value);
  reader.read("ema", options.ema);
  reader.read("patience", options.patience);
  reader.read("checkpoint_every", options.checkpoint_every);
  reader.read("keep_checkpoints", options.keep_checkpoints);
  return options;
}

}  // namespace

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

}  // namespace fovea
