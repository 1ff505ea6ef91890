#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fovea/ops.h"
#include "fovea/session.h"
#include "fovea/zoo.h"

// Compares the zoo with torchvision: golden/zoo.json, made by golden/make_zoo.py.
namespace fovea {
namespace {

const nlohmann::json& golden() {
  static const nlohmann::json file = nlohmann::json::parse(std::ifstream(FOVEA_TEST_DIR "/golden/zoo.json"));
  return file;
}

// FNV-1a.
uint64_t hash(std::string_view text) {
  uint64_t value = 0xCBF29CE484222325;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return value;
}

// Element i of the tensor `name`, in [-1, 1), as draw() of make_zoo.py.
class Draw {
 public:
  explicit Draw(std::string_view name) : key_(static_cast<uint32_t>(hash(name))) {}
  double operator()(int64_t i) const {
    uint32_t x = static_cast<uint32_t>(i) * 0x9E3779B1U + key_;
    x = (x ^ (x >> 16U)) * 0x7FEB352DU;
    x = (x ^ (x >> 15U)) * 0x846CA68BU;
    x ^= x >> 16U;
    return static_cast<double>(x >> 8U) * 0x1p-23 - 1;
  }

 private:
  uint32_t key_;
};

// As fill() of make_zoo.py.
Tensor fill(const ParameterSpec& spec) {
  Tensor tensor(spec.shape);
  const Draw draw(spec.name);
  const bool weight = spec.shape.rank() == 2 || spec.shape.rank() == 4;
  const bool scale =
      spec.name.ends_with("weight") || spec.name.ends_with("running_var") || spec.name.ends_with("layer_scale");
  const double deviation = std::sqrt(3.0 / static_cast<double>(spec.shape.elements() / spec.shape[0]));
  for (int64_t i = 0; i < tensor.size(); ++i) {
    const double u = draw(i);
    tensor[i] = static_cast<float>(weight ? u * deviation : scale ? 1 + u / 4 : u / 8);
  }
  return tensor;
}

void fill(std::span<float> values, std::string_view name) {
  const Draw draw(name);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(draw(static_cast<int64_t>(i)));
}

std::string state_hash(const Graph& graph) {
  std::vector<std::string> lines;
  for (const ParameterSpec& spec : graph.parameters()) lines.push_back(spec.name + " " + to_string(spec.shape) + "\n");
  std::ranges::sort(lines);
  std::string text;
  for (const std::string& line : lines) text += line;
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(hash(text)));
  return hex;
}

TEST(ZooParity, HasTorchvisionsParametersAndCost) {
  for (const auto& [name, expected] : golden().at("networks").items()) {
    SCOPED_TRACE(name);
    const Graph graph = zoo::build(name);
    const Cost cost = graph.total_cost();
    EXPECT_EQ(cost.parameters, expected.at("parameters").get<int64_t>());
    EXPECT_EQ(cost.multiply_adds, expected.at("multiply_adds").get<int64_t>());
    EXPECT_EQ(state_hash(graph), expected.at("state").get<std::string>()) << "names or shapes of parameters differ";
  }
}

// The golden file has a gradient's norm, and its product with a vector whose elements are about 0.6 in size: an error
// of the gradient changes the product by as much.
double gradient_error(std::span<const float> gradient, const std::string& name, const nlohmann::json& expected) {
  const Draw draw(name + "'");
  double squares = 0;
  double product = 0;
  for (size_t i = 0; i < gradient.size(); ++i) {
    squares += static_cast<double>(gradient[i]) * gradient[i];
    product += gradient[i] * draw(static_cast<int64_t>(i));
  }
  const double norm = expected.at(0).get<double>();
  return std::max(std::abs(std::sqrt(squares) - norm), std::abs(product - expected.at(1).get<double>())) / norm;
}

void expect_output(std::span<const float> actual, const std::vector<double>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  double largest = 0;
  for (const double y : expected) largest = std::max(largest, std::abs(y));
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-4 * largest);
}

class ZooPass : public ::testing::TestWithParam<size_t> {};

TEST_P(ZooPass, EqualsTorchvision) {
  const nlohmann::json& expected = golden().at("passes").at(GetParam());
  const auto name = expected.at("name").get<std::string>();
  const auto extent = expected.at("extent").get<int64_t>();
  const auto heads = expected.at("heads").get<bool>();
  Graph graph = zoo::build(name, {.input = {extent, extent, 3}, .classes = 10, .aux_logits = heads});
  std::vector<Value> outputs = {graph.output()};
  for (const AuxiliaryOutput& head : graph.auxiliary_outputs()) outputs.emplace_back(&graph, head.node);
  if (heads) graph.set_output(concatenate(outputs));
  std::vector<Tensor> parameters;
  for (const ParameterSpec& spec : graph.parameters()) parameters.push_back(fill(spec));
  Model model(graph, std::move(parameters));
  Session session(
      model,
      {.batch = expected.at("batch").get<int64_t>(), .differentiate = graph.output().name(), .gradients = {"input"}});
  fill(session.input("input"), expected.at("picture").get<std::string>());
  session.forward();

  const auto output = expected.at("output").get<std::vector<double>>();
  expect_output(session.output(), output);

  Session inference(model, {.batch = expected.at("batch").get<int64_t>()});  // where layers are fused
  std::ranges::copy(session.input("input"), inference.input("input").begin());
  inference.forward();
  expect_output(inference.output(), output);

  std::vector<float> seed(output.size());
  fill(seed, "seed");
  session.backward(seed);
  std::vector<double> errors = {
      gradient_error(session.gradient("input"), "input", expected.at("gradients").at("input"))};
  for (size_t i = 0; i < graph.parameters().size(); ++i) {
    const ParameterSpec& spec = graph.parameters()[i];
    if (!spec.trainable) continue;
    errors.push_back(gradient_error(session.parameter_gradient(i), spec.name, expected.at("gradients").at(spec.name)));
  }
  EXPECT_EQ(errors.size(), expected.at("gradients").size());
  // Usually all are below 5e-6. But a sum that is zero but for rounding may open a ReLU here and not in torchvision: on
  // pictures this small that changes the gradients of its own layer by percents, those before it by 1e-4 to 1e-3.
  std::ranges::sort(errors);
  EXPECT_LE(errors[errors.size() / 2], 1e-3);
  EXPECT_LE(errors[errors.size() * 9 / 10], 1e-2);
}

INSTANTIATE_TEST_SUITE_P(Networks, ZooPass, ::testing::Range(size_t{0}, golden().at("passes").size()),
                         [](const auto& test) {
                           return golden().at("passes").at(test.param).at("name").template get<std::string>();
                         });

}  // namespace
}  // namespace fovea
