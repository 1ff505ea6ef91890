#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "command_line.h"
#include "fovea/data.h"
#include "fovea/model.h"
#include "fovea/shape.h"
#include "fovea/zoo.h"

// Options that several commands share, and what they mean.
namespace fovea::cli {

// --threads, --config: every command has them.
struct CommonOptions {
  std::optional<int> threads;
  void add(CLI::App& command);
  // Throws Error(usage) for a senseless number of threads.
  void apply() const;
};

// --data, --data-dir, --on-bad-picture.
struct DataOptions {
  std::string data;
  std::string data_dir;
  std::string on_bad_picture = "refuse";
  void add(CLI::App& command);
  // Opens the data set; its warnings go to standard error.
  DataSplits open() const;
};

// So many items, evenly spread so that all classes of a sorted data set take part. Throws Error(usage) for count < 1.
std::shared_ptr<const Dataset> spread(const std::shared_ptr<const Dataset>& all, int64_t count);

// --input HEIGHTxWIDTHxCHANNELS (LENGTHxCHANNELS, DEPTHxHEIGHTxWIDTHxCHANNELS) of networks that are built afresh.
Option add_input_option(CLI::App& command, std::string& input);
// Empty when not given. Throws Error(usage) for text that is not a shape.
Shape input_shape(const std::string& input);

// The positional [pictures...]: JPEG, PNG, WebP, BMP or PNM.
void add_picture_files(CLI::App& command, std::vector<std::string>& pictures, const std::string& description);

// How a command writes what it found.
enum class Format { text, json, csv };
void add_format_option(CLI::App& command, Format& format);
std::string csv_field(std::string_view text);

// --width and --aux-logits of networks by name.
void add_variant_options(CLI::App& command, ZooOptions& options);
// Throws Error(usage) when one of them is given, for a model that is no network by name.
void refuse_variant(const ZooOptions& options, const std::string& model);
// A network by name, text form or model file. `input` (where not empty) is for the first two, the other options for the
// first: Error(usage) elsewhere. A text form needs `input`.
Graph describe_network(const std::string& model, const ZooOptions& options);
bool is_model_file(const std::string& model);
// Whether the name ends as files do that hold weights without their network.
bool is_weights_file(const std::string& name);

// Throws Error(usage) with this request when `value` is empty.
void require_option(const std::string& value, const char* request);

}  // namespace fovea::cli
