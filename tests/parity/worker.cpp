// The library's side of parity.py: fovea_parity JOB, a JSON object
//   {"network", "classes", "extent", "batch", "weights", "input", "labels", "mode", "result"}
// reads a state dict and raw float32 pictures (channels last), and writes raw numbers to `result`:
//   "evaluate"  float32: the output, then the auxiliary outputs, in evaluation mode
//   "train"     one training pass without dropout: the loss that training minimises, its gradient by the pictures, then
//               by each parameter in the order of the names printed; all of that by the fast kernels (float32), then by
//               the reference kernels (float64)
// Networks have their auxiliary heads.
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "double_pass.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/session.h"
#include "fovea/zoo.h"
#include "train/training_loss.h"
#include "without_dropout.h"

namespace {

using nlohmann::json;

template <class Values>
void read_into(const std::string& path, Values&& values) {
  std::vector<float> numbers(values.size());
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(numbers.data()), static_cast<std::streamsize>(numbers.size() * sizeof(float)));
  if (!file) throw std::runtime_error("cannot read " + path);
  std::ranges::copy(numbers, values.begin());
}

class Result {
 public:
  explicit Result(const std::string& path) : path_(path), file_(path, std::ios::binary) {}
  template <class Values>
  void write(const Values& values) {
    file_.write(reinterpret_cast<const char*>(values.data()),
                static_cast<std::streamsize>(values.size() * sizeof(values[0])));
  }
  void finish() {
    file_.close();
    if (!file_) throw std::runtime_error("cannot write " + path_);
  }

 private:
  std::string path_;
  std::ofstream file_;
};

void evaluate(const json& job, fovea::Model& model, Result& result) {
  std::vector<std::string> heads;
  for (const fovea::AuxiliaryOutput& head : model.graph().auxiliary_outputs()) {
    heads.push_back(model.graph().node(head.node).name);
  }
  fovea::Session session(model, {.batch = job.at("batch"), .keep = heads});
  read_into(job.at("input"), session.input("input"));
  session.forward();
  result.write(session.output());
  for (const std::string& head : heads) result.write(session.activation(head));
}

void train(const json& job, fovea::Model& model, Result& result) {
  const auto [graph, logits, labels, loss] = add_training_loss(model.graph(), {});
  fovea::Session session(
      model, graph,
      {.batch = job.at("batch"), .training = true, .differentiate = loss, .gradients = {"input"}, .keep = {loss}});
  fovea::DoublePass exact(model, graph, job.at("batch"));
  for (const char* input : {"input", "labels"}) {
    const std::string path = job.at(input);
    read_into(path, session.input(input));
    read_into(path, exact.input(input));
  }
  exact.run();  // first: the session moves running statistics
  session.forward();
  session.backward();
  std::vector<size_t> trained;
  for (size_t i = 0; i < graph.parameters().size(); ++i) {
    if (graph.parameters()[i].trainable) trained.push_back(i);
  }
  result.write(session.activation(loss));
  result.write(session.gradient("input"));
  for (const size_t i : trained) result.write(session.parameter_gradient(i));
  result.write(exact.value(loss));
  result.write(exact.gradient("input"));
  for (const size_t i : trained) result.write(exact.parameter_gradient(i));
  for (const size_t i : trained) std::cout << graph.parameters()[i].name << '\n';
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "usage: fovea_parity JOB\n";
    return 2;
  }
  const json job = json::parse(argv[1]);
  const int64_t extent = job.at("extent");
  const bool training = job.at("mode") == "train";
  const std::string network = job.at("network");
  const fovea::Graph graph = fovea::zoo::build(network, {.input = {extent, extent, 3},
                                                         .classes = job.at("classes"),
                                                         .aux_logits = fovea::zoo::find(network).has_aux_logits});
  fovea::Model model(training ? without_dropout(graph) : graph);
  fovea::load_weights(model, job.at("weights").get<std::string>());
  Result result(job.at("result"));
  training ? train(job, model, result) : evaluate(job, model, result);
  result.finish();
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
