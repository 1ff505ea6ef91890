#include "fovea/quantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>

#include "fovea/compress.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/ops.h"
#include "fovea/safetensors.h"
#include "fovea/session.h"
#include "fovea/train.h"
#include "program_fixture.h"
#include "test_files.h"
#include "toy.h"

namespace fovea {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// ---- Ranges --------------------------------------------------------------------------------------------------------

TEST(QuantizationRange, KeepsAllOfAnEvenSpread) {
  const Quantization q = choose_quantization({.low = -1, .high = 3, .counts = std::vector<int64_t>(2048, 10)});
  EXPECT_FLOAT_EQ(q.scale, 4.0F / 255);
  EXPECT_EQ(q.zero_point, 64);
}

TEST(QuantizationRange, HoldsZero) {
  const std::vector<int64_t> even(2048, 10);
  EXPECT_EQ(choose_quantization({.low = 2, .high = 4, .counts = even}).zero_point, 0);
  EXPECT_FLOAT_EQ(choose_quantization({.low = 2, .high = 4, .counts = even}).scale, 4.0F / 255);
  EXPECT_EQ(choose_quantization({.low = -4, .high = -2, .counts = even}).zero_point, 255);
  EXPECT_EQ(choose_quantization({.low = 0, .high = 0, .counts = even}), Quantization{});
}

// One element in a million far away is better cut off than paid for by all others.
TEST(QuantizationRange, CutsOffWhatIsRare) {
  ValueHistogram h{.low = 0, .high = 100, .counts = std::vector<int64_t>(2048)};
  std::fill_n(h.counts.begin(), 200, 5000);
  h.counts.back() = 1;
  EXPECT_LT(choose_quantization(h).scale * 255, 60);
  EXPECT_GE(choose_quantization(h).scale * 255, 9);
}

// ---- Networks ------------------------------------------------------------------------------------------------------

class QuantizeToy : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    trained_ = std::make_unique<Model>(toy_model(1));
    fit(*trained_, toy_dataset(600, 1), nullptr, toy_options());
  }
  static void TearDownTestSuite() { trained_.reset(); }

  static std::vector<std::string> ops(const Model& model) {
    std::vector<std::string> types;
    for (const Node& node : model.graph().nodes()) types.emplace_back(node.op ? node.op->type() : "input");
    return types;
  }

  static std::unique_ptr<Model> trained_;
  const std::shared_ptr<const Dataset> pictures_ = toy_dataset(64, 2);
  const std::shared_ptr<const Dataset> others_ = toy_dataset(300, 3);
};

std::unique_ptr<Model> QuantizeToy::trained_;

TEST_F(QuantizeToy, PredictsAsBefore) {
  QuantizedModel quantized = quantize_model(*trained_, pictures_);
  EXPECT_EQ(quantized.layers, 2);
  EXPECT_THAT(quantized.kept, ElementsAre());
  const Evaluation before = evaluate(*trained_, others_);
  const Evaluation after = evaluate(quantized.model, others_);
  EXPECT_GT(before.scores.top1, 0.9);
  int same = 0;
  for (size_t i = 0; i < before.predictions.size(); ++i) same += before.predictions[i] == after.predictions[i] ? 1 : 0;
  EXPECT_GE(same, 297);
  EXPECT_NEAR(after.scores.loss, before.scores.loss, 0.02);
  EXPECT_NE(after.scores.loss, before.scores.loss);
}

TEST_F(QuantizeToy, FoldsNormsAndMovesBytes) {
  EXPECT_THAT(ops(*trained_),
              ElementsAre("input", "conv", "batch_norm", "relu", "max_pool", "flatten", "dropout", "dense"));
  const QuantizedModel quantized = quantize_model(*trained_, pictures_);
  EXPECT_THAT(ops(quantized.model), ElementsAre("input", "quantize", "quantized_conv", "relu", "max_pool", "flatten",
                                                "quantize", "quantized_dense"));
}

TEST_F(QuantizeToy, GoesThroughAFileOfBytes) {
  const TempFolder folder;
  const auto path = folder.path() / "toy.safetensors";
  QuantizedModel quantized = quantize_model(*trained_, pictures_);
  save_model(quantized.model, path);
  int64_t whole = 0;
  const SafetensorsFile file = SafetensorsFile::open(path);
  for (const SafetensorsEntry& entry : file.entries()) {
    EXPECT_EQ(entry.dtype, entry.name.ends_with(".weight") ? DType::i8 : DType::f32) << entry.name;
    whole += entry.dtype == DType::i8 ? entry.shape.elements() : 0;
  }
  EXPECT_GT(whole, 0);
  Model loaded = load_model(path);
  EXPECT_EQ(loaded.preprocessing, quantized.model.preprocessing);
  const Evaluation expected = evaluate(quantized.model, others_);
  EXPECT_EQ(evaluate(loaded, others_).scores.loss, expected.scores.loss);
  save_compressed(loaded, folder.path() / "toy.zst.safetensors");
  Model unpacked = load_model(folder.path() / "toy.zst.safetensors");
  EXPECT_EQ(evaluate(unpacked, others_).scores.loss, expected.scores.loss);
}

TEST_F(QuantizeToy, RefusesWhatCannotBe) {
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { quantize_model(*trained_, pictures_, {.batch = 0}); }),
              HasSubstr("batch must be at least 1, got 0"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { quantize_model(*trained_, subset(pictures_, {})); }),
              HasSubstr("no pictures"));
  Model quantized = quantize_model(*trained_, pictures_).model;
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { quantize_model(quantized, pictures_); }),
              HasSubstr("no convolution or dense layer"));
  Model broken = *trained_;
  broken.parameters()[0][0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(error_of(ErrorKind::failure, [&] { quantize_model(broken, pictures_); }),
              HasSubstr("gives a NaN or an infinity"));
}

// A block with a shortcut, a join, depthwise filters and a layer too wide for 32 bits.
TEST(QuantizeGraph, TakesShortcutsAndJoinsAlong) {
  Graph graph;
  const Scope root(graph);
  Value x = relu(conv(root / "stem", graph.input("x", {8, 8, 1}), {.filters = 16, .kernel = 3, .padding = 1}));
  Value y = conv(root / "a", x, {.filters = 16, .kernel = 3, .padding = 1, .groups = 16, .bias = false});
  y = relu6(batch_norm(root / "bn", y));
  y = conv(root / "b", y, {.filters = 16});
  x = relu(y + x);
  x = concatenate({x, relu(conv(root / "c", x, {.filters = 600}))});
  x = max_pool(x, {.kernel = 1});
  x = dense(root / "wide", flatten(conv(root / "d", x, {.filters = 600})), 3);
  graph.set_output(x);
  Model model(std::move(graph), 3);
  model.preprocessing = {.height = 8, .width = 8, .channels = 1, .mean = {0.5F}, .std = {0.25F}};
  const auto pictures = toy_dataset(16, 5);
  QuantizedModel quantized = quantize_model(model, pictures);
  EXPECT_EQ(quantized.layers, 5);
  EXPECT_THAT(quantized.kept, ElementsAre("wide"));
  std::vector<std::string> types;
  for (const Node& node : quantized.model.graph().nodes()) types.emplace_back(node.op ? node.op->type() : "input");
  EXPECT_THAT(types, ElementsAre("input", "quantize", "quantized_conv", "relu", "quantize", "quantized_conv", "relu6",
                                 "quantize", "quantized_conv", "add_dequantized", "relu", "quantize", "quantized_conv",
                                 "relu", "quantize", "concatenate", "max_pool", "quantized_conv", "flatten", "dense"));
  // All that is joined has one range, the shortcut its own.
  const auto scale = [&](int node) { return quantized.model.graph().node(node).op->attributes().at("scale"); };
  EXPECT_EQ(scale(11), scale(14));
  EXPECT_EQ(scale(9), scale(4));
  EXPECT_NE(scale(11), scale(4));

  const auto output = [&](Model& network) {
    Session session(network, {.batch = 1});
    const std::span<float> input = session.input("x");
    for (size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(i % 7) / 3 - 1;
    session.forward();
    return std::vector<float>(session.output().begin(), session.output().end());
  };
  const std::vector<float> before = output(model);
  const std::vector<float> after = output(quantized.model);
  const float largest = std::abs(*std::ranges::max_element(before, {}, [](float v) { return std::abs(v); }));
  for (size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(after[i], before[i], 0.05F * largest);
}

// ---- The program ---------------------------------------------------------------------------------------------------

TEST_F(ProgramTest, QuantizesAndRunsWhatItWrote) {
  succeeds(train({"--epochs", "3"}));
  const ProgramResult result =
      succeeds({"quantize", "run/best.safetensors", "--data", "idx", "--test", "idx", "--out", "small.safetensors"});
  EXPECT_THAT(result.out, HasSubstr("small.safetensors: 1 layers on bytes"));
  EXPECT_THAT(result.out, HasSubstr("of 20 pictures"));
  succeeds({"eval", "small.safetensors", "--data", "idx"});
  succeeds({"bench", "small.safetensors", "--seconds", "0.01", "--layers"});
  refuses({"quantize", "run/best.safetensors", "--data", "idx"}, 2, {"--out"});
  refuses({"quantize", "run/best.safetensors", "--data", "idx", "--out", "a.safetensors", "--pictures", "0"}, 2,
          {"--pictures must be at least 1, got 0"});
  refuses({"quantize", "small.safetensors", "--data", "idx", "--out", "again.safetensors"}, 2,
          {"no convolution or dense layer"});
}

}  // namespace
}  // namespace fovea
