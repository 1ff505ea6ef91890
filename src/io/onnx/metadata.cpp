#include "io/onnx/metadata.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "fovea/error.h"
#include "io/json.h"
#include "io/preprocessing_json.h"

namespace fovea {

namespace {

constexpr const char* preprocessing_key = "fovea.preprocessing";
constexpr const char* classes_key = "fovea.classes";

void write(onnx::ModelProto& file, const char* key, const nlohmann::json& value) {
  onnx::StringStringEntryProto& entry = *file.add_metadata_props();
  entry.set_key(key);
  entry.set_value(value.dump());
}

}  // namespace

void read_metadata(const onnx::ModelProto& file, Model& model) {
  for (const onnx::StringStringEntryProto& entry : file.metadata_props()) {
    const std::string source = "metadata " + entry.key();
    if (entry.key() == preprocessing_key) {
      model.preprocessing = preprocessing_from_json(parse_json(entry.value(), source));
      check_preprocessing(model.preprocessing, model.graph(), source);
    } else if (entry.key() == classes_key) {
      model.class_names = class_names_from_json(parse_json(entry.value(), source));
    }
  }
}

void write_metadata(const Model& model, onnx::ModelProto& file) {
  if (model.preprocessing.height != 0) write(file, preprocessing_key, preprocessing_to_json(model.preprocessing));
  if (!model.class_names.empty()) write(file, classes_key, model.class_names);
}

}  // namespace fovea
