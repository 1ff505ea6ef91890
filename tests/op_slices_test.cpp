#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "fovea/op.h"
#include "fovea/ops.h"
#include "fovea/session.h"
#include "op_cases.h"
#include "op_runner.h"

// Values that are slices of wider ones: kernels that say they can read or write them, and plans that place them.
namespace fovea::testing {
namespace {

constexpr float untouched = std::numeric_limits<float>::quiet_NaN();
constexpr int64_t extra = 3;  // channels of the whole beside the slice

// The rows of `values` apart from each other, NaN between them.
std::vector<float> spread(const std::vector<float>& values, int64_t channels) {
  std::vector<float> wide(values.size() / static_cast<size_t>(channels) * static_cast<size_t>(channels + extra),
                          untouched);
  for (size_t i = 0; i < values.size(); ++i) {
    wide[i + i / static_cast<size_t>(channels) * static_cast<size_t>(extra)] = values[i];
  }
  return wide;
}

bool same(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

class OpSlices : public ::testing::TestWithParam<OpCase> {};

TEST_P(OpSlices, AreReadAndWrittenLikeWholeValues) {
  const OpInstance instance = instantiate(GetParam());
  const OpValues<float> values = draw_values(GetParam(), instance);
  const PrepareOptions whole;
  const auto kernel = instance.op->prepare(instance.shapes, whole);
  const std::vector<float> expected = run_step(instance, values, kernel_runner(*kernel), whole).output;

  PrepareOptions options;
  std::vector<std::vector<float>> inputs;
  for (size_t i = 0; i < values.inputs.size(); ++i) {
    const int64_t channels = instance.shapes.inputs[i].back();
    const bool slice = instance.op->reads_slices(i);
    options.input_strides.push_back(slice ? channels + extra : 0);
    inputs.push_back(slice ? spread(values.inputs[i], channels) : values.inputs[i]);
  }
  const int64_t channels = instance.shapes.output.back();
  const bool writes = instance.op->writes_slices(instance.shapes);
  if (writes) options.output_stride = channels + extra;
  const auto sliced = instance.op->prepare(instance.shapes, options);

  std::vector<const float*> input_pointers;
  for (const auto& input : inputs) input_pointers.push_back(input.data());
  std::vector<std::vector<float>> parameters = values.parameters;
  std::vector<float*> parameter_pointers;
  for (auto& parameter : parameters) parameter_pointers.push_back(parameter.data());
  const std::vector<float> result = writes ? spread(expected, channels) : expected;
  std::vector<float> output(result.size(), untouched);
  std::vector<float> saved(sliced->saved_size());
  std::vector<float> scratch(sliced->scratch_size());
  const std::vector<const float*> loaded(parameter_pointers.begin(), parameter_pointers.end());
  Tensor spare;
  sliced->load(loaded, spare);
  Step<float> step;
  step.inputs = input_pointers;
  step.output = output.data();
  step.parameters = parameter_pointers;
  step.saved = saved.data();
  step.scratch = scratch.data();
  sliced->forward(step);
  EXPECT_TRUE(std::ranges::equal(output, result, same));
}

std::vector<OpCase> cases_with_slices() {
  std::vector<OpCase> chosen;
  for (const OpCase& op_case : op_cases()) {
    const OpInstance instance = instantiate(op_case);
    bool any = instance.op->writes_slices(instance.shapes);
    for (size_t i = 0; i < instance.shapes.inputs.size(); ++i) any = any || instance.op->reads_slices(i);
    if (any && !instance.training) chosen.push_back(op_case);
  }
  return chosen;
}

INSTANTIATE_TEST_SUITE_P(Table, OpSlices, ::testing::ValuesIn(cases_with_slices()),
                         [](const auto& test) { return test.param.name; });

// Branches that grow as in DenseNet, an inner concatenation as in Inception, an input, and a value kept by name.
Graph branching() {
  Graph graph;
  const Scope scope = graph;
  const Value x = graph.input("x", {13, 11, 18});
  Value grown = max_pool(x, {.kernel = 3, .stride = 1, .padding = 1});
  for (const char* name : {"layer1", "layer2"}) {
    const Value y = relu(batch_norm(scope / name / "norm", grown));
    grown =
        concatenate({grown, relu(conv(scope / name / "conv", y, {.filters = 16, .kernel = 3, .padding = Padding(1)}))});
  }
  const Value a = silu(conv(scope / "a", x, {.filters = 20, .kernel = 3, .padding = Padding(1)}));
  const Value b = conv(scope / "b", x, {.filters = 7, .kernel = 1});
  const Value c = avg_pool(x, {.kernel = 3, .stride = 1, .padding = 1});
  const Value joined = concatenate({concatenate({a, b}), c, x, grown, a});
  conv(scope / "last", relu(batch_norm(scope / "norm", joined)), {.filters = 5, .kernel = 1});
  return graph;
}

TEST(Slices, GiveWhatCopiesGive) {
  Model model(branching(), 3);
  for (const int64_t batch : {1, 3}) {
    Session fast(model, {.batch = batch});
    Session keeping(model, {.batch = batch, .keep = {"layer1.conv", "b", "concatenate"}});
    Session reference(model, {.batch = batch, .reference = true});
    for (Session* session : {&fast, &keeping, &reference}) {
      const std::span<float> x = session->input("x");
      for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i));
      session->forward();
    }
    ASSERT_EQ(fast.output().size(), reference.output().size());
    for (size_t i = 0; i < fast.output().size(); ++i) ASSERT_NEAR(fast.output()[i], reference.output()[i], 1e-5);
    EXPECT_TRUE(std::ranges::equal(fast.output(), keeping.output()));
    EXPECT_EQ(fast.find_non_finite(), std::nullopt);
  }
}

TEST(Slices, SaveTheMemoryOfCopies) {
  Graph graph;
  Value x = graph.input("x", {32, 32, 8});
  const Value a = conv(Scope(graph) / "a", x, {.filters = 64, .kernel = 1});
  const Value b = conv(Scope(graph) / "b", x, {.filters = 64, .kernel = 1});
  concatenate({a, b});
  Model model(graph);
  const Session session(model, {});
  const Session keeping(model, {.keep = {"a", "b"}});
  constexpr size_t whole = 32 * 32 * 128 * sizeof(float);
  EXPECT_EQ(keeping.arena_bytes() - session.arena_bytes(), whole);
}

}  // namespace
}  // namespace fovea::testing
