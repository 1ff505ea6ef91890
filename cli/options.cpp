#include "options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <map>
#include <vector>

#include "command_line.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/parallel.h"
#include "fovea/text_form.h"
#include "fovea/zoo.h"

namespace fovea::cli {

void CommonOptions::add(CLI::App& command) {
  add_option(command, "--threads", threads, "threads to compute with; default: $FOVEA_THREADS, then one per CPU")
      .check(check_number<int>)
      .type_name("INT");
  add_config_option(command);
}

void CommonOptions::apply() const {
  if (threads) set_thread_count(*threads);
}

void DataOptions::add(CLI::App& command) {
  add_option(command, "--data", data, "data set: fashion-mnist, mnist, cifar-10, cifar-100, or a folder")
      .type_name("NAME")
      .group("Data");
  add_option(command, "--data-dir", data_dir, "where named data sets lie; default: $FOVEA_DATA, then ./data")
      .type_name("FOLDER")
      .group("Data");
  add_choice(command, "--on-bad-picture", on_bad_picture, {"refuse", "skip"},
             "what to do with pictures that are corrupt")
      .group("Data");
}

DataSplits DataOptions::open() const {
  require_option(data, "choose the pictures with --data NAME or FOLDER");
  const BadPictures bad = on_bad_picture == "skip" ? BadPictures::skip : BadPictures::refuse;
  DataSplits splits = open_dataset(data, {.data_dir = data_dir, .on_bad_picture = bad});
  for (const auto& dataset : {splits.train, splits.test}) {
    if (!dataset) continue;
    for (const std::string& warning : dataset->warnings()) fmt::print(stderr, "fovea: warning: {}\n", warning);
  }
  return splits;
}

std::shared_ptr<const Dataset> spread(const std::shared_ptr<const Dataset>& all, int64_t count) {
  if (count < 1) throw Error(ErrorKind::usage, fmt::format("at least one picture is needed, got {}", count));
  count = std::min(count, all->size());
  std::vector<int64_t> items;
  for (int64_t i = 0; i < count; ++i) items.push_back(i * all->size() / count);
  return subset(all, std::move(items));
}

Option add_input_option(CLI::App& command, std::string& input) {
  return add_option(command, "--input", input,
                    "input of a new network as HEIGHTxWIDTHxCHANNELS; default: its own, or the pictures'")
      .type_name("HxWxC");
}

Shape input_shape(const std::string& input) {
  if (input.empty()) return {};
  std::vector<int64_t> dims;
  const char* at = input.data();
  const char* const end = at + input.size();
  while (at != end) {
    int64_t extent = 0;
    const auto [rest, error] = std::from_chars(at, end, extent);
    if (error != std::errc() || extent < 1 || extent > 65536) break;
    dims.push_back(extent);
    at = rest;
    if (at != end && *at == 'x' && at + 1 != end)
      ++at;
    else
      break;
  }
  if (at != end || dims.size() < 2 || dims.size() > 4) {
    throw Error(ErrorKind::usage,
                fmt::format("--input must be HEIGHTxWIDTHxCHANNELS such as 32x32x3, or LENGTHxCHANNELS, or "
                            "DEPTHxHEIGHTxWIDTHxCHANNELS, got '{}'",
                            input));
  }
  return Shape(dims);
}

void add_picture_files(CLI::App& command, std::vector<std::string>& pictures, const std::string& description) {
  add_option(command, "pictures", pictures, description).type_name("FILE").take_all();
}

void add_format_option(CLI::App& command, Format& format) {
  add_choice<Format>(command, "--format", format,
                     {{"text", Format::text}, {"json", Format::json}, {"csv", Format::csv}}, "how to write the result");
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\n\r") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

bool is_model_file(const std::string& model) {
  return !is_text_form(model) &&
         (model.ends_with(".safetensors") || model.ends_with(".onnx") || std::filesystem::exists(model));
}

bool is_weights_file(const std::string& name) {
  constexpr std::array<std::string_view, 7> extensions = {".pt", ".pth", ".th", ".npz", ".npy", ".h5", ".hdf5"};
  return std::ranges::find(extensions, std::filesystem::path(name).extension().string()) != extensions.end();
}

void add_variant_options(CLI::App& command, ZooOptions& options) {
  const std::string group = "Network";
  add_number(command, "--width", options.width,
             "factor of the filters, for networks that come in widths (the MobileNets)")
      .group(group);
  add_flag(command, "--aux-logits", options.aux_logits,
           "with the auxiliary heads that help training (googlenet, inception_v3)")
      .group(group);
}

void refuse_variant(const ZooOptions& options, const std::string& model) {
  if (options.width != 1 || options.aux_logits) {
    throw Error(ErrorKind::usage, fmt::format("--width and --aux-logits are for networks by name, not for {}", model));
  }
}

Graph describe_network(const std::string& model, const ZooOptions& options) {
  const bool named = !is_text_form(model) && !is_model_file(model);
  if (!named) refuse_variant(options, model);
  if (is_text_form(model)) {
    if (options.classes != 0) {
      throw Error(ErrorKind::usage, "a network written as text says its classes itself: no --classes");
    }
    if (options.input.rank() == 0) {
      throw Error(ErrorKind::usage, "a network written as text needs --input HEIGHTxWIDTHxCHANNELS");
    }
    return graph_from_text(model, options.input);
  }
  if (named) return zoo::build(model, options);
  if (options.input.rank() != 0 || options.classes != 0) {
    throw Error(ErrorKind::usage, fmt::format("--input and --classes are for new networks; {} has its own", model));
  }
  return load_model(model).graph();
}

void require_option(const std::string& value, const char* request) {
  if (value.empty()) throw Error(ErrorKind::usage, request);
}

}  // namespace fovea::cli
