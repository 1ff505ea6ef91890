// The library's side of compare.py: fovea_worker JOB, a JSON object. Mode "convert" turns a PyTorch state dict into a
// model file, mode "quantize" a model file into one on bytes, or, by the name's extension, into an ONNX file of that.
// Modes "inference" and "training" read lines from standard input and answer each with a line of JSON: to a
// number, having run as many steps, the milliseconds that every step took by the wall clock, their mean CPU time, the
// losses, the most memory so far, and the time since the start; to "output", what comes out for the first batch.
#include <chrono>
#include <ctime>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fovea/bench.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/onnx.h"
#include "fovea/parallel.h"
#include "fovea/quantize.h"
#include "fovea/random.h"
#include "fovea/zoo.h"
#include "without_dropout.h"

namespace {

using nlohmann::json;

double wall_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(now).count();
}
// Of all threads together.
double cpu_ms() { return static_cast<double>(std::clock()) * 1e3 / CLOCKS_PER_SEC; }

void convert(const json& job) {
  const std::string network = job.at("network");
  const fovea::Graph graph = fovea::zoo::build(network);
  fovea::Model model(job.at("dropout").get<bool>() ? graph : without_dropout(graph));
  fovea::load_weights(model, job.at("weights").get<std::string>());
  fovea::save_model(model, job.at("model").get<std::string>());
}

// Noise of about the spread that the comparison's has.
void quantize(const json& job) {
  fovea::Model model = fovea::load_model(job.at("model").get<std::string>());
  const fovea::Shape& shape = model.graph().node(model.graph().inputs()[0]).shape;
  const auto extent = [&](int axis) { return static_cast<int>(shape[axis]); };
  const int channels = extent(3);
  model.preprocessing = {.height = extent(1), .width = extent(2), .channels = channels};
  model.preprocessing.mean.assign(static_cast<size_t>(channels), 0.5F);
  model.preprocessing.std.assign(static_cast<size_t>(channels), 0.25F);
  std::vector<fovea::Image> pictures;
  for (uint64_t i = 0; i < 8; ++i) {
    fovea::Image picture{extent(1), extent(2), channels, {}};
    const fovea::Random random(3, i);
    for (int64_t k = 0; k < shape.elements(); ++k) {
      picture.pixels.push_back(static_cast<uint8_t>(random.below(static_cast<uint64_t>(k), 256)));
    }
    pictures.push_back(std::move(picture));
  }
  const fovea::Model bytes =
      fovea::quantize_model(model, fovea::make_dataset(std::move(pictures), std::vector<int64_t>(8), {"noise"})).model;
  const std::string out = job.at("out");
  out.ends_with(".onnx") ? fovea::export_onnx(bytes, out) : fovea::save_model(bytes, out);
}

std::vector<float> read_floats(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<float> values(static_cast<size_t>(file.tellg()) / sizeof(float));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

// Copies batch `number` out of a file that holds several, over and over.
void fill(std::span<float> input, const std::vector<float>& data, size_t number) {
  const size_t batches = data.size() / input.size();
  std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(number % batches * input.size()), input.size(), input.begin());
}

class Worker {
 public:
  explicit Worker(const json& job)
      : training_(job.at("mode") == "training"),
        images_(read_floats(job.at("images"))),
        labels_(read_floats(job.at("labels"))),
        model_(fovea::load_model(job.at("model").get<std::string>())),
        workload_(training_ ? fovea::Workload(model_, job.at("batch"), true, job.at("lr"))
                            : fovea::Workload(std::move(model_), job.at("batch"))) {}

  json output() {
    fill(workload_.images(), images_, 0);
    workload_.step();
    const auto values = workload_.session().output();
    return {{"output", std::vector<float>(values.begin(), values.end())}};
  }

  json run(int64_t steps) {
    std::vector<double> wall;
    std::vector<float> losses;
    const double cpu = cpu_ms();
    for (int64_t i = 0; i < steps; ++i) {
      const double start = wall_ms();
      fill(workload_.images(), images_, place_);
      if (training_) fill(workload_.labels(), labels_, place_);
      workload_.step();
      wall.push_back(wall_ms() - start);
      if (training_) losses.push_back(workload_.loss());
      ++place_;
    }
    return {{"wall_ms", wall},
            {"cpu_ms", (cpu_ms() - cpu) / static_cast<double>(steps)},
            {"losses", losses},
            {"peak_mb", static_cast<double>(fovea::peak_memory_bytes()) / (1 << 20)}};
  }

 private:
  bool training_;
  std::vector<float> images_, labels_;
  fovea::Model model_;  // in training
  fovea::Workload workload_;
  size_t place_ = 0;
};

}  // namespace

int main(int argc, char** argv) try {
  const double start = wall_ms();
  if (argc != 2) {
    std::cerr << "usage: fovea_worker JOB\n";
    return 2;
  }
  const json job = json::parse(argv[1]);
  if (job.at("mode") == "convert") {
    convert(job);
    return 0;
  }
  if (job.at("mode") == "quantize") {
    quantize(job);
    return 0;
  }
  fovea::set_thread_count(job.at("threads"));
  Worker worker(job);
  for (std::string line; std::getline(std::cin, line);) {
    json answer = line == "output" ? worker.output() : worker.run(std::stoll(line));
    answer["alive_ms"] = wall_ms() - start;
    std::cout << answer << std::endl;
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
