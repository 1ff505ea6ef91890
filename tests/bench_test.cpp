#include "fovea/bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fovea/error.h"
#include "fovea/text_form.h"
#include "program.h"

namespace fovea {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

Model small_network() { return Model(graph_from_text("conv 8 3x3, relu, flatten, fc 4", {8, 8, 1})); }

// Of the network above, batch 1.
constexpr int64_t conv_work = 36 * 8 * 9;
constexpr int64_t dense_work = 36 * 8 * 4;

TEST(Bench, InferenceLeavesTheModelAlone) {
  Model model = small_network();
  const Tensor before = model.parameters()[0];
  const BenchResult result = benchmark(model, {.batch = 3, .seconds = 0.01});
  EXPECT_TRUE(std::ranges::equal(before.values(), model.parameters()[0].values()));
  EXPECT_GE(result.steps, 3);
  EXPECT_GT(result.min_seconds, 0);
  EXPECT_LE(result.min_seconds, result.median_seconds);
  EXPECT_LE(result.median_seconds, result.p95_seconds);
  EXPECT_EQ(result.multiply_adds, 3 * (conv_work + dense_work));
  EXPECT_GT(result.peak_flops, 1e8);
  EXPECT_GT(result.arena_bytes, 3 * 64 * sizeof(float));
  EXPECT_GT(result.peak_memory_bytes, result.arena_bytes);
  EXPECT_TRUE(result.layers.empty());
}

TEST(Bench, TrainingCountsBothGradients) {
  Model model = small_network();
  const BenchResult result = benchmark(model, {.batch = 2, .training = true, .seconds = 0.01, .layers = true});
  EXPECT_EQ(result.multiply_adds, 2 * (2 * conv_work + 3 * dense_work));  // nobody wants the gradient of the pictures
  ASSERT_FALSE(result.layers.empty());
  EXPECT_THAT(result.layers.front().op, StartsWith("conv"));
  EXPECT_EQ(result.layers.front().backward_multiply_adds, 2 * conv_work);
  for (const NodeProfile& layer : result.layers) EXPECT_GT(layer.forward_seconds, 0) << layer.node;
}

TEST(Bench, WorkloadTrains) {
  Model model = small_network();
  Workload workload(model, 4, true, 0.05);
  workload.step();
  const float first = workload.loss();
  for (int i = 0; i < 50; ++i) workload.step();
  EXPECT_LT(workload.loss(), 0.5F * first);
}

TEST(Bench, RefusesWhatCannotBeMeasured) {
  Model model = small_network();
  EXPECT_THROW(benchmark(model, {.seconds = 0}), Error);
  EXPECT_THROW(benchmark(model, {.batch = 0, .seconds = 0.01}), Error);
  Model no_classifier(graph_from_text("conv 8 3x3", {8, 8, 1}));
  EXPECT_THROW(benchmark(no_classifier, {.training = true, .seconds = 0.01}), Error);
}

class BenchProgram : public testing::Test {
 protected:
  ProgramResult run(const Arguments& more) const {
    Arguments arguments = {"bench", "conv 8 3x3, relu, flatten, fc 4", "--input", "8x8x1", "--threads", "1"};
    for (const char* word : {"--seconds", "0.01"}) arguments.push_back(word);
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(folder_.path(), arguments);
  }

  void refuses(const Arguments& arguments, int code, const std::string& words) const {
    const ProgramResult result = run_program(folder_.path(), arguments);
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_THAT(result.err, HasSubstr(words));
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  }

  TempFolder folder_;
};

TEST_F(BenchProgram, JsonAgreesWithItself) {
  const ProgramResult result = run({"--batch", "2", "--layers", "--format", "json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const json report = json::parse(result.out);
  EXPECT_EQ(report["mode"], "inference");
  EXPECT_EQ(report["threads"], 1);
  EXPECT_EQ(report["multiply_adds"], 2 * (conv_work + dense_work));
  const double seconds = report["median_ms"].get<double>() / 1e3;
  EXPECT_NEAR(report["images_per_second"].get<double>() * seconds, 2, 1e-9);
  EXPECT_NEAR(report["gflops"].get<double>() * seconds, 4e-9 * (conv_work + dense_work), 1e-12);
  EXPECT_GT(report["peak_gflops"], report["gflops"]);
  double percent = 0;
  for (const json& layer : report["layers"]) percent += layer["percent_of_time"].get<double>();
  EXPECT_NEAR(percent, 100, 1e-6);
  EXPECT_NE(report["layers"][0]["algorithm"], "");
}

TEST_F(BenchProgram, TextAndCsv) {
  const std::string text = run({"--train", "--layers"}).out;
  for (const char* shown : {"training", "median", "a second", "GFLOP/s", "resident", "backward ms", "fc1"}) {
    EXPECT_THAT(text, HasSubstr(shown));
  }
  const std::string csv = run({"--format", "csv"}).out;
  EXPECT_EQ(std::ranges::count(csv, '\n'), 2);
  EXPECT_THAT(csv, HasSubstr("median_ms"));
  EXPECT_THAT(run({"--format", "csv", "--layers"}).out, HasSubstr("\nfc1,"));
}

TEST_F(BenchProgram, SlipsEndInOneLine) {
  refuses({"bench"}, 2, "name a network");
  refuses({"bench", "lenet6"}, 2, "did you mean 'lenet5'?");
  refuses({"bench", "lenet5", "--batch", "0"}, 2, "batch");
  refuses({"bench", "lenet5", "--batch", "many"}, 2, "--batch");
  refuses({"bench", "lenet5", "--seconds", "0"}, 2, "seconds");
  refuses({"bench", "lenet5", "--seconds", "nan"}, 2, "seconds");
  refuses({"bench", "conv 8 3x3", "--input", "8x8x1", "--train"}, 4, "cross_entropy");
  refuses({"bench", "missing.safetensors"}, 3, "missing.safetensors");
}

}  // namespace
}  // namespace fovea
