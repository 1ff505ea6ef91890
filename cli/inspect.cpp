#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "core/text.h"
#include "fovea/tensor_file.h"
#include "options.h"
#include "table.h"

namespace fovea::cli {

namespace {

struct InspectOptions {
  CommonOptions common;
  std::string file;
  Format format = Format::text;
};

Line columns() { return {"tensor", "dtype", "shape", "min", "max", "mean", "std", "NaN", "infinite"}; }

std::string number(double value) { return fmt::format("{:.5g}", value); }

Line describe(const StoredTensor& tensor) {
  Line line = {printable(tensor.name), std::string(to_string(tensor.dtype)), to_string(tensor.shape)};
  const TensorStatistics s = measure(tensor);
  const bool finite = s.nans + s.infinities < tensor.shape.elements();
  for (const double value : {s.min, s.max, s.mean, s.std}) line.push_back(finite ? number(value) : "");
  line.push_back(s.nans > 0 ? fmt::format("{}", s.nans) : "");
  line.push_back(s.infinities > 0 ? fmt::format("{}", s.infinities) : "");
  return line;
}

std::string shortened(const std::string& text) {
  constexpr size_t longest = 100;
  return text.size() > longest ? printable(text.substr(0, longest)) + "..." : printable(text);
}

void print_text(const TensorFile& file) {
  int64_t elements = 0;
  for (const StoredTensor& tensor : file.tensors) elements += tensor.shape.elements();
  fmt::print("{}: {}, {} tensor{}, {} elements\n", file.source, file.format, file.tensors.size(),
             file.tensors.size() == 1 ? "" : "s", elements);
  std::vector<Line> lines = {columns()};
  for (const StoredTensor& tensor : file.tensors) {
    lines.push_back(describe(tensor));
    file.release(tensor);
  }
  if (lines.size() > 1) print_table(lines, "lllrrrrrr");
  if (!file.metadata.empty()) fmt::print("\nmetadata\n");
  for (const auto& [key, value] : file.metadata) fmt::print("  {}  {}\n", printable(key), shortened(value));
}

void print_csv(const TensorFile& file) {
  fmt::print("{}\n", fmt::join(columns(), ","));
  for (const StoredTensor& tensor : file.tensors) {
    Line line = describe(tensor);
    line[0] = csv_field(line[0]);
    fmt::print("{}\n", fmt::join(line, ","));
  }
}

void print_json(const TensorFile& file) {
  nlohmann::ordered_json report = {{"file", file.source}, {"format", file.format}};
  report["tensors"] = nlohmann::ordered_json::array();
  for (const StoredTensor& tensor : file.tensors) {
    const TensorStatistics s = measure(tensor);
    const auto dims = tensor.shape.dims();
    report["tensors"].push_back({{"name", tensor.name},
                                 {"dtype", to_string(tensor.dtype)},
                                 {"shape", std::vector(dims.begin(), dims.end())},
                                 {"min", s.min},
                                 {"max", s.max},
                                 {"mean", s.mean},
                                 {"std", s.std},
                                 {"nan", s.nans},
                                 {"infinite", s.infinities}});
  }
  report["metadata"] = file.metadata;
  fmt::print("{}\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void run_inspect(const InspectOptions& options) {
  options.common.apply();
  require_option(options.file, "name a file of tensors, such as model.safetensors or checkpoint.pth");
  const TensorFile file = open_tensor_file(options.file);
  switch (options.format) {
    case Format::text:
      return print_text(file);
    case Format::json:
      return print_json(file);
    case Format::csv:
      return print_csv(file);
  }
}

}  // namespace

Run add_inspect(CLI::App& program) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App& command = add_command(program, "inspect", "The tensors of a file: shapes, types, statistics, metadata");
  add_option(command, "file", options->file, "safetensors, PyTorch (.pt, .pth, .th) or NumPy (.npy, .npz) file")
      .type_name("FILE");
  add_format_option(command, options->format);
  options->common.add(command);
  return [options] { run_inspect(*options); };
}

}  // namespace fovea::cli
