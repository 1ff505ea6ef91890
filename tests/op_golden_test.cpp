#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "op_cases.h"
#include "op_compare.h"
#include "op_runner.h"

// Compares the fast kernels with PyTorch in float64: golden/ops.json, made by golden/make_ops.py.
namespace fovea::testing {
namespace {

const nlohmann::json& golden() {
  static const nlohmann::json file = nlohmann::json::parse(std::ifstream(FOVEA_TEST_DIR "/golden/ops.json"));
  return file;
}

std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  for (const auto& entry : golden().items()) names.push_back(entry.key());
  return names;
}

class OpGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(OpGolden, FastEqualsPyTorch) {
  const nlohmann::json& entry = golden().at(GetParam());
  OpResults<double> expected;
  entry.at("output").get_to(expected.output);
  entry.at("running").get_to(expected.parameters);
  entry.at("input_gradients").get_to(expected.input_gradients);
  entry.at("parameter_gradients").get_to(expected.parameter_gradients);

  const OpCase& which = op_case(GetParam());
  const OpInstance instance = instantiate(which);
  const PrepareOptions wanted = all_gradients(instance);
  const auto kernel = instance.op->prepare(instance.shapes, wanted);
  auto actual = run_step(instance, draw_values(which, instance), kernel_runner(*kernel), wanted);
  std::vector<std::vector<float>> running;
  for (size_t i = 0; i < instance.parameters.size(); ++i) {
    if (!instance.parameters[i].trainable) running.push_back(actual.parameters[i]);
  }
  actual.parameters = running;
  expect_close(actual, expected, 1e-5);
}

INSTANTIATE_TEST_SUITE_P(PyTorch, OpGolden, ::testing::ValuesIn(golden_names()),
                         [](const auto& test) { return test.param; });

TEST(OpGoldenFile, HasEveryOp) {
  // Held against ONNX's own tests instead, in onnx_test.cpp, and, those of bytes, against QuantizeLinear and
  // DequantizeLinear in quantized_ops_test.cpp; "parameter" computes nothing.
  const std::set<std::string_view> onnx_alone = {"add_dequantized", "arg_max",         "dequantize", "gather",
                                                 "grid_sample",     "matrix_product",  "parameter",  "quantize",
                                                 "quantized_conv",  "quantized_dense", "round"};
  std::set<std::string> covered;
  for (const std::string& name : golden_names()) covered.insert(std::string(instantiate(op_case(name)).op->type()));
  for (const std::string_view type : op_types()) {
    if (onnx_alone.contains(type)) continue;
    EXPECT_TRUE(covered.contains(std::string(type))) << "no golden values of op " << type;
  }
}

}  // namespace
}  // namespace fovea::testing
