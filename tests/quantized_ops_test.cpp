#include "fovea/quantized_ops.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>

#include "fovea/error.h"
#include "fovea/onnx.h"
#include "fovea/parallel.h"
#include "fovea/session.h"
#include "kernels/cpu/byte_instruction.h"
#include "op_cases.h"
#include "op_runner.h"
#include "test_files.h"

namespace fovea::testing {
namespace {

using ::testing::HasSubstr;

// ---- Kernels -------------------------------------------------------------------------------------------------------

class QuantizedKernels : public ::testing::TestWithParam<OpCase> {
 protected:
  ~QuantizedKernels() override {
    hwy::SetSupportedTargetsForTest(0);
    cpu::allow_byte_instruction(true);
  }
};

// Whole numbers leave no room for rounding: not close but equal, by every instruction there is.
TEST_P(QuantizedKernels, EqualTheReferenceBitForBit) {
  if (GetParam().tolerance > 1e-3) GTEST_SKIP() << "an activation that kernels compute otherwise";
  const OpInstance instance = instantiate(GetParam());
  const OpValues<float> values = draw_values(GetParam(), instance);
  const PrepareOptions inference;
  const auto expected = run_step(instance, values, reference_runner<float>(instance), inference).output;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    for (const bool allowed : {false, true}) {
      SCOPED_TRACE(hwy::TargetName(target) + std::string(allowed ? " with vpdpbusd" : ""));
      hwy::SetSupportedTargetsForTest(target);
      cpu::allow_byte_instruction(allowed);
      const auto kernel = instance.op->prepare(instance.shapes, inference);
      EXPECT_EQ(run_step(instance, values, kernel_runner(*kernel), inference).output, expected);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Table, QuantizedKernels, ::testing::ValuesIn(quantized_op_cases()),
                         [](const auto& test) { return test.param.name; });

// ---- Plans ---------------------------------------------------------------------------------------------------------

constexpr Quantization bytes = {.scale = 0.05F, .zero_point = 0};

void fill(Model& model) {
  const Random random(3);
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    const std::string& name = model.graph().parameters()[i].name;
    const Random own = random.substream(i);
    const bool is_weight = name.ends_with(".weight");
    for (int64_t k = 0; k < model.parameters()[i].size(); ++k) {
      const double u = own.uniform(static_cast<uint64_t>(k));
      model.parameters()[i][k] = static_cast<float>(is_weight ? 254 * u - 127 : 0.002 + 0.004 * u);
    }
  }
}

Value fire(const Scope& scope, Value x, const ConvOptions& options) {
  return quantize(relu(quantized_conv(scope, x, bytes, options)), bytes);
}

// All that can be in memory: bytes pooled, joined in place and by copying, added, and brought back to floats.
Model network() {
  Graph graph;
  const Scope root(graph);
  const Value picture = quantize(graph.input("x", {14, 13, 3}), {.scale = 0.01F, .zero_point = 128});
  Value x = quantized_conv(root / "stem", picture, {.scale = 0.01F, .zero_point = 128},
                           {.filters = 20, .kernel = 3, .stride = 2});
  x = max_pool(quantize(relu(x), bytes), {.kernel = 2, .stride = 1});
  const Value a = fire(root / "a", x, {.filters = 12});
  const Value b = fire(root / "b", x, {.filters = 8, .kernel = 3, .padding = 1});
  const Value c = fire(root / "c", x, {.filters = 20, .kernel = 3, .padding = 1, .groups = 20});
  const Value joined = concatenate({a, b, c, x});
  Value y = quantized_conv(root / "d", joined, bytes, {.filters = 20, .bias = false});
  y = quantize(relu(add_dequantized(y, x, bytes)), bytes);
  y = fire(root / "e", y, {.filters = 33});
  Value z = flatten(global_max_pool(dequantize(y, bytes)));
  z = quantized_dense(root / "fc", quantize(z, bytes), bytes, 7);
  graph.set_output(z);
  Model model(std::move(graph));
  fill(model);
  return model;
}

std::vector<float> run(Model& model, SessionOptions options, const std::string& node) {
  options.batch = 2;
  options.keep = {node};
  Session session(model, options);
  const std::span<float> input = session.input("x");
  const Random random(5);
  for (size_t i = 0; i < input.size(); ++i) input[i] = random.uniform(i) * 2.5F - 1.25F;
  session.forward();
  const std::span<const float> value = session.activation(node);
  return {value.begin(), value.end()};
}

TEST(QuantizedPlan, EqualsTheReferenceAtEveryNode) {
  Model model = network();
  for (const Node& node : model.graph().nodes()) {
    SCOPED_TRACE(node.name);
    const std::vector<float> expected = run(model, {.reference = true}, node.name);
    EXPECT_EQ(run(model, {}, node.name), expected);
    EXPECT_NE(*std::ranges::max_element(expected), *std::ranges::min_element(expected));
  }
}

TEST(QuantizedPlan, IsTheSameForAnyNumberOfThreads) {
  Model model = network();
  const std::string output = model.graph().node(model.graph().output_node()).name;
  const int before = thread_count();
  set_thread_count(1);
  const std::vector<float> one = run(model, {}, output);
  set_thread_count(3);
  EXPECT_EQ(run(model, {}, output), one);
  set_thread_count(before);
}

TEST(QuantizedPlan, HoldsBytesAndFusesLayers) {
  Model model = network();
  Session session(model, SessionOptions{});
  std::vector<std::string> ops;
  for (const NodeProfile& node : session.profile()) ops.push_back(node.op);
  EXPECT_THAT(ops, ::testing::ElementsAre(
                       "quantize", "quantized_conv + relu + quantize", "max_pool", "quantized_conv + relu + quantize",
                       "quantized_conv + relu + quantize", "quantized_conv + relu + quantize", "concatenate",
                       "quantized_conv + add_dequantized + relu + quantize", "quantized_conv + relu + quantize",
                       "dequantize", "global_max_pool", "flatten", "quantize", "quantized_dense"));
  Session reference(model, {.reference = true});
  EXPECT_LT(session.arena_bytes(), reference.arena_bytes() / 2);
}

// ONNX's operators say the same of real numbers.
TEST(QuantizedPlan, MeansWhatItsOnnxFileSays) {
  const TempFolder folder;
  Model model = network();
  const std::filesystem::path path = folder.path() / "bytes.onnx";
  export_onnx(model, path);
  Model real = import_onnx(path).model;
  const auto output = [](Model& network) {
    return run(network, {}, network.graph().node(network.graph().output_node()).name);
  };
  const std::vector<float> expected = output(real);
  const std::vector<float> actual = output(model);
  ASSERT_EQ(actual.size(), expected.size());
  // A number half-way between two bytes may go either way.
  const float bound = 0.01F * (*std::ranges::max_element(expected) - *std::ranges::min_element(expected));
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], bound);
}

// ---- Errors --------------------------------------------------------------------------------------------------------

std::string error_of(const std::function<void(Value)>& build) {
  Graph graph;
  const Value x = graph.input("x", {5, 6, 4});
  try {
    build(x);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::format);
    return error.what();
  }
  return "no error";
}

TEST(QuantizedErrors, NameTheNodeAndWhatIsWrong) {
  EXPECT_EQ(error_of([](Value x) {
              quantize(x, {0, 3});
            }),
            "node 'quantize' (quantize): scale must be positive and finite, got 0");
  EXPECT_THAT(error_of([](Value x) { quantize(x, {1e-40F, 3}); }), HasSubstr("scale must be positive and finite"));
  EXPECT_THAT(error_of([](Value x) {
                dequantize(x, {1, 256});
              }),
              HasSubstr("zero_point must be between 0 and 255, got 256"));
  EXPECT_THAT(error_of([](Value x) {
                quantized_conv(Scope(x.graph()) / "c", x, {1, -1}, {.filters = 2});
              }),
              HasSubstr("node 'c' (quantized_conv): zero_point must be between 0 and 255, got -1"));
  EXPECT_THAT(error_of([](Value x) { quantized_conv(Scope(x.graph()) / "c", x, {}, {.filters = 2, .kernel = 9}); }),
              HasSubstr("does not fit"));
  EXPECT_THAT(error_of([](Value x) {
                const Value wide = quantize(x.graph().input("wide", {40000}), {});
                quantized_dense(Scope(x.graph()) / "fc", wide, {}, 3);
              }),
              HasSubstr("a filter has 40000 weights, at most 32768 can be quantised"));
  EXPECT_THAT(error_of([](Value x) {
                add_dequantized(x, x.graph().input("b", {5, 6, 3}), {});
              }),
              HasSubstr("shapes must be equal"));
}

}  // namespace
}  // namespace fovea::testing
