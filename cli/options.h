#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "fovea/data.h"
#include "fovea/model.h"
#include "fovea/shape.h"

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

// --input HxWxC and --classes, for networks that are built afresh.
struct NetworkOptions {
  std::string input;
  int64_t classes = 0;
  void add(CLI::App& command);
  // Empty when not given. Throws Error(usage) for text that is not a shape.
  Shape input_shape() const;
};

// How a command writes what it found.
enum class Format { text, json, csv };
void add_format_option(CLI::App& command, Format& format);

// A network by name, text form or model file. `input` and `classes` (where not empty or zero) apply to the first two;
// a text form needs `input`.
Graph describe_network(const std::string& model, const Shape& input, int64_t classes);
bool is_model_file(const std::string& model);

// Throws Error(usage) "COMMAND needs --option ..." when `value` is empty.
void require_option(const std::string& value, const char* needs);

}  // namespace fovea::cli
