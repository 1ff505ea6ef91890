#include "fovea/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "fovea/cpu.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/parallel.h"
#include "options.h"
#include "table.h"

namespace fovea::cli {

namespace {

struct BenchCommand {
  CommonOptions common;
  std::string model;
  std::string input;
  ZooOptions variant;
  BenchOptions bench;
  Format format = Format::text;
};

double share(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }

// One operation is half a multiply-add.
double gflops(int64_t multiply_adds, double seconds) {
  return seconds > 0 ? 2e-9 * static_cast<double>(multiply_adds) / seconds : 0;
}

double layer_seconds(const NodeProfile& layer) { return layer.forward_seconds + layer.backward_seconds; }
int64_t layer_multiply_adds(const NodeProfile& layer) {
  return layer.forward_multiply_adds + layer.backward_multiply_adds;
}

nlohmann::ordered_json describe_layer(const NodeProfile& layer, double total_seconds, double peak) {
  const double rate = gflops(layer_multiply_adds(layer), layer_seconds(layer));
  const auto dims = layer.output.dims();
  return {{"node", layer.node},
          {"op", layer.op},
          {"output", std::vector(dims.begin(), dims.end())},
          {"forward_ms", 1e3 * layer.forward_seconds},
          {"backward_ms", 1e3 * layer.backward_seconds},
          {"percent_of_time", share(layer_seconds(layer), total_seconds)},
          {"gflops", rate},
          {"percent_of_peak", share(1e9 * rate, peak)},
          {"algorithm", layer.algorithm}};
}

nlohmann::ordered_json describe(const BenchCommand& command, const BenchResult& result) {
  const double rate = gflops(result.multiply_adds, result.median_seconds);
  nlohmann::ordered_json report = {
      {"model", command.model},
      {"mode", command.bench.training ? "training" : "inference"},
      {"batch", command.bench.batch},
      {"threads", thread_count()},
      {"instruction_set", cpu_info().instruction_set},
      {"steps", result.steps},
      {"median_ms", 1e3 * result.median_seconds},
      {"min_ms", 1e3 * result.min_seconds},
      {"p95_ms", 1e3 * result.p95_seconds},
      {"images_per_second", static_cast<double>(command.bench.batch) / result.median_seconds},
      {"multiply_adds", result.multiply_adds},
      {"gflops", rate},
      {"peak_gflops", 1e-9 * result.peak_flops},
      {"percent_of_peak", share(1e9 * rate, result.peak_flops)},
      {"peak_memory_bytes", result.peak_memory_bytes},
      {"arena_bytes", result.arena_bytes}};
  if (!command.bench.layers) return report;
  double total = 0;
  for (const NodeProfile& layer : result.layers) total += layer_seconds(layer);
  report["layers"] = nlohmann::ordered_json::array();
  for (const NodeProfile& layer : result.layers) {
    report["layers"].push_back(describe_layer(layer, total, result.peak_flops));
  }
  return report;
}

// "56x56x64"; the batch stands above the table.
std::string extents(const nlohmann::ordered_json& output) {
  std::string text;
  for (size_t i = 1; i < output.size(); ++i) text += fmt::format("{}{}", i > 1 ? "x" : "", output[i].dump());
  return text;
}

std::string milliseconds(double value) { return fmt::format("{:.{}f}", value, value < 10 ? 3 : 1); }

void print_layers(const nlohmann::ordered_json& layers, bool training) {
  std::vector<Line> lines;
  lines.push_back(training ? Line{"node", "layer", "output", "forward ms", "backward ms"}
                           : Line{"node", "layer", "output", "ms"});
  for (const char* column : {"% of time", "GFLOP/s", "% of peak", "algorithm"}) lines.front().push_back(column);
  for (const auto& layer : layers) {
    Line line = {layer["node"], layer["op"], extents(layer["output"]), milliseconds(layer["forward_ms"])};
    if (training) line.push_back(milliseconds(layer["backward_ms"]));
    const double rate = layer["gflops"];
    line.push_back(fmt::format("{:.1f}", layer["percent_of_time"].get<double>()));
    line.push_back(rate > 0 ? fmt::format("{:.1f}", rate) : "");
    line.push_back(rate > 0 ? fmt::format("{:.1f}", layer["percent_of_peak"].get<double>()) : "");
    line.push_back(layer["algorithm"]);
    lines.push_back(std::move(line));
  }
  fmt::print("\n");
  print_table(lines, training ? "lllrrrrrl" : "lllrrrrl");
}

void print_text(const nlohmann::ordered_json& report) {
  const auto line = [](std::string_view name, const std::string& value) { fmt::print("{:<10}{}\n", name, value); };
  const auto mebibytes = [](double bytes) { return bytes / (1 << 20); };
  const int threads = report["threads"];
  line("model",
       fmt::format("{}, {}, batch {}, {} thread{}", report["model"].get<std::string>(),
                   report["mode"].get<std::string>(), report["batch"].dump(), threads, threads > 1 ? "s" : ""));
  line("step", fmt::format("{} ms median, {} min, {} 95th percentile of {}", milliseconds(report["median_ms"]),
                           milliseconds(report["min_ms"]), milliseconds(report["p95_ms"]), report["steps"].dump()));
  line("images", fmt::format("{:.1f} a second", report["images_per_second"].get<double>()));
  line("work", fmt::format("{:.1f} GFLOP/s, {:.1f} % of the {:.1f} that multiply-adds in registers reach ({})",
                           report["gflops"].get<double>(), report["percent_of_peak"].get<double>(),
                           report["peak_gflops"].get<double>(), report["instruction_set"].get<std::string>()));
  line("memory", fmt::format("{:.1f} MiB at most resident, {:.1f} MiB of it the arena",
                             mebibytes(report["peak_memory_bytes"]), mebibytes(report["arena_bytes"])));
  if (report.contains("layers")) print_layers(report["layers"], report["mode"] == "training");
}

// The layers where they were asked for, else the step.
void print_rows(const nlohmann::ordered_json& report) {
  if (!report.contains("layers")) return print_csv(nlohmann::ordered_json::array({report}));
  nlohmann::ordered_json layers = report["layers"];
  for (auto& layer : layers) layer["output"].erase(0);  // the batch
  print_csv(layers);
}

Model open_model(const BenchCommand& command) {
  require_option(command.model, "name a network (lenet5), a model file, or a text form with --input");
  ZooOptions variant = command.variant;
  variant.input = input_shape(command.input);
  if (is_model_file(command.model) && variant.input.rank() == 0) return load_model(command.model);
  return Model(describe_network(command.model, variant));
}

void run_bench(const BenchCommand& command) {
  command.common.apply();
  const nlohmann::ordered_json report = describe(command, benchmark(open_model(command), command.bench));
  switch (command.format) {
    case Format::text:
      return print_text(report);
    case Format::json:
      return fmt::print("{}\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    case Format::csv:
      return print_rows(report);
  }
}

}  // namespace

Run add_bench(CLI::App& program) {
  auto options = std::make_shared<BenchCommand>();
  CLI::App& command = add_command(program, "bench", "How fast a network runs on this machine");
  add_option(command, "model", options->model, "a name (lenet5), a model file, or a text form").type_name("NETWORK");
  add_input_option(command, options->input);
  add_variant_options(command, options->variant);
  add_flag(command, "--train", options->bench.training, "time training steps: forward, backward, update");
  add_number(command, "--batch", options->bench.batch, "pictures at a time");
  add_number(command, "--seconds", options->bench.seconds, "how long to measure");
  add_flag(command, "--layers", options->bench.layers, "time every layer, and say how it computes");
  add_format_option(command, options->format);
  options->common.add(command);
  return [options] { run_bench(*options); };
}

}  // namespace fovea::cli
