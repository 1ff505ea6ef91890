#include "train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"
#include "fovea/error.h"
#include "io/checkpoint_file.h"
#include "io/json.h"
#include "io/json_values.h"
#include "train/run_folder.h"

namespace fovea {

using nlohmann::json;

namespace {

constexpr const char* metadata_key = "fovea.training";
constexpr const char* tensor_prefix = "optimizer.";

json to_json(const EpochRecord& record) {
  json value = {{"epoch", record.epoch},           {"learning_rate", record.learning_rate},
                {"train_loss", record.train_loss}, {"train_top1", record.train_top1},
                {"seconds", record.seconds},       {"images_per_second", record.images_per_second}};
  if (const std::optional<Scores>& scores = record.validation) {
    value["validation"] = {{"loss", scores->loss}, {"top1", scores->top1}, {"top5", scores->top5}};
  }
  return value;
}

EpochRecord record_from_json(const json& value) {
  const auto number = [](const json& object, const char* key) { return json_number(json_member(object, key)); };
  EpochRecord record;
  record.epoch = json_integer(json_member(value, "epoch"));
  record.learning_rate = number(value, "learning_rate");
  record.train_loss = number(value, "train_loss");
  record.train_top1 = number(value, "train_top1");
  record.seconds = number(value, "seconds");
  record.images_per_second = number(value, "images_per_second");
  if (value.contains("validation")) {
    const json& scores = value["validation"];
    record.validation = Scores{number(scores, "loss"), number(scores, "top1"), number(scores, "top5")};
  }
  return record;
}

// Doubles are printed with as many digits as it takes to read the same value back.
json to_json(const TrainingState& state) {
  json epochs = json::array();
  for (const EpochRecord& record : state.history.epochs) epochs.push_back(to_json(record));
  return {{"seed", state.seed},
          {"batch", state.batch},
          {"items", state.items},
          {"epoch", state.epoch},
          {"step", state.step},
          {"loss_sum", state.loss_sum},
          {"correct", state.correct},
          {"seconds", state.seconds},
          {"best_epoch", state.history.best_epoch},
          {"best_top1", state.history.best_top1},
          {"history", std::move(epochs)}};
}

TrainingState state_from_json(const json& value) {
  TrainingState state;
  state.seed = json_unsigned(json_member(value, "seed"));
  state.batch = json_integer(json_member(value, "batch"));
  state.items = json_integer(json_member(value, "items"));
  state.epoch = json_integer(json_member(value, "epoch"));
  state.step = json_integer(json_member(value, "step"));
  state.loss_sum = json_number(json_member(value, "loss_sum"));
  state.correct = json_integer(json_member(value, "correct"));
  state.seconds = json_number(json_member(value, "seconds"));
  state.history.best_epoch = json_integer(json_member(value, "best_epoch"));
  state.history.best_top1 = json_number(json_member(value, "best_top1"));
  for (const json& record : json_array(value, "history")) state.history.epochs.push_back(record_from_json(record));
  const bool sane = state.batch >= 1 && state.items >= state.batch && state.epoch == std::ssize(state.history.epochs) &&
                    state.step >= 0 && state.step <= state.items / state.batch && state.history.best_epoch >= 0 &&
                    state.history.best_epoch <= state.epoch;
  if (!sane) throw Error(ErrorKind::format, "the position makes no sense");
  return state;
}

}  // namespace

void save_checkpoint(const std::filesystem::path& path, const Model& model, std::span<const OptimizerTensor> tensors,
                     const TrainingState& state) {
  std::vector<NamedTensor> named;
  for (const OptimizerTensor& item : tensors) named.push_back({tensor_prefix + item.name, item.tensor});
  save_model_with(model, path, named, {{metadata_key, to_json(state).dump()}});
}

TrainingState read_training_state(const SafetensorsFile& file, const std::string& source) {
  const auto text = file.metadata().find(metadata_key);
  if (text == file.metadata().end()) {
    throw Error(ErrorKind::format, fmt::format("{}: a model, but no checkpoint to resume from: the metadata lack '{}'",
                                               source, metadata_key));
  }
  const std::string where = fmt::format("{}: {}", source, metadata_key);
  const json value = parse_json(text->second, where);
  try {
    return state_from_json(value);
  } catch (const Error& error) {
    throw Error(ErrorKind::format, fmt::format("{}: {}", where, error.what()));
  }
}

History read_history(const std::filesystem::path& folder) {
  const std::filesystem::path path = last_file(folder);
  return read_training_state(SafetensorsFile::open(path), printable(path)).history;
}

void read_training_tensors(const SafetensorsFile& file, const std::string& source,
                           std::span<const OptimizerTensor> tensors) {
  for (const OptimizerTensor& item : tensors) {
    const SafetensorsEntry& entry = file.entry(tensor_prefix + item.name);
    if (entry.shape != item.tensor->shape()) {
      throw Error(ErrorKind::format, fmt::format("{}: tensor {} is {}, {} expected", source, quote_name(entry.name),
                                                 to_string(entry.shape), to_string(item.tensor->shape())));
    }
    decode(entry.dtype, entry.bytes, item.tensor->values());
  }
}

}  // namespace fovea
