#include "fovea/compress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "fovea/model_file.h"
#include "fovea/train.h"
#include "test_files.h"
#include "toy.h"

namespace fovea {
namespace {

using testing::HasSubstr;

std::vector<float> values_of(const Tensor& tensor) { return {tensor.values().begin(), tensor.values().end()}; }

std::set<float> distinct(const Tensor& tensor) { return {tensor.values().begin(), tensor.values().end()}; }

void expect_equal(const Model& a, const Model& b) {
  ASSERT_EQ(a.parameters().size(), b.parameters().size());
  for (size_t i = 0; i < a.parameters().size(); ++i) {
    EXPECT_EQ(a.parameters()[i].shape(), b.parameters()[i].shape());
    EXPECT_EQ(values_of(a.parameters()[i]), values_of(b.parameters()[i])) << a.graph().parameters()[i].name;
  }
  EXPECT_EQ(a.class_names, b.class_names);
  EXPECT_EQ(a.preprocessing, b.preprocessing);
}

TEST(Pruning, TakesTheSmallestWeights) {
  Model model = toy_model(1);  // conv 6x3x3, fc 3x96
  const std::vector<float> bias = values_of(model.parameter("fc.bias"));
  std::vector<float> all = values_of(model.parameter("conv.weight"));
  std::ranges::copy(model.parameter("fc.weight").values(), std::back_inserter(all));
  std::ranges::sort(all, {}, [](float x) { return std::abs(x); });
  const Pruning pruning(model, 0.8);
  const WeightCount count = count_weights(model);
  EXPECT_EQ(count.all, 54 + 288);
  EXPECT_EQ(count.all - count.nonzero, 273);  // 0.8 of 342 is 273.6
  for (const char* name : {"conv.weight", "fc.weight"}) {
    for (const float x : model.parameter(name).values()) {
      EXPECT_TRUE(x == 0 || std::abs(x) >= std::abs(all[273])) << x;
    }
  }
  EXPECT_EQ(values_of(model.parameter("fc.bias")), bias);
  Model again = model;
  for (float& x : again.parameter("fc.weight").values()) x += 1;
  pruning(again);
  EXPECT_EQ(std::ranges::count(again.parameter("fc.weight").values(), 0.0F),
            std::ranges::count(model.parameter("fc.weight").values(), 0.0F));
}

TEST(Pruning, OfEqualWeightsLeavesTheRightNumberAndNoLayerBare) {
  Model model = toy_model(1);
  std::ranges::fill(model.parameter("conv.weight").values(), 0.5F);
  std::ranges::fill(model.parameter("fc.weight").values(), 0.5F);
  const Pruning half(model, 0.5);
  EXPECT_EQ(count_weights(model).nonzero, 171);
  Model uneven = toy_model(1);
  std::ranges::fill(uneven.parameter("conv.weight").values(), 0.001F);
  const Pruning most(uneven, 0.5);
  EXPECT_EQ(std::ranges::count(uneven.parameter("conv.weight").values(), 0.0F), 53);  // 99 % of 54
  error_of(ErrorKind::usage, [&] { Pruning(model, 1); });
  error_of(ErrorKind::usage, [&] { Pruning(model, -0.1); });
}

TEST(Pruning, ZerosStayZerosInRetraining) {
  Model model = toy_model(1);
  FitOptions options = toy_options();
  options.epochs = 2;
  fit(model, toy_dataset(64, 1), nullptr, options);
  const Pruning pruning(model, 0.7);
  const std::vector<float> pruned = values_of(model.parameter("fc.weight"));
  options.constrain = pruning;
  fit(model, toy_dataset(64, 1), nullptr, options);
  const std::vector<float> retrained = values_of(model.parameter("fc.weight"));
  bool moved = false;
  for (size_t i = 0; i < pruned.size(); ++i) {
    EXPECT_TRUE(pruned[i] != 0 || retrained[i] == 0) << i;
    moved = moved || retrained[i] != pruned[i];
  }
  EXPECT_TRUE(moved);
}

TEST(WeightSharing, FindsTheClustersThereAre) {
  Model model = toy_model(1);
  Tensor& weight = model.parameter("fc.weight");
  for (int64_t i = 0; i < weight.size(); ++i) {
    weight[i] = i % 5 == 0 ? 0.0F : static_cast<float>(i % 3) - 1.1F + 0.01F * static_cast<float>(i % 2);
  }
  const WeightSharing sharing(model, 3);
  std::set<float> values = distinct(weight);
  ASSERT_EQ(values.size(), 4U);  // zero and three means: -1.095, -0.095, 0.905
  EXPECT_TRUE(values.contains(0.0F));
  values.erase(0.0F);
  auto mean = values.begin();
  for (const double expected : {-1.095, -0.095, 0.905}) EXPECT_NEAR(*mean++, expected, 2e-3);
  error_of(ErrorKind::usage, [&] { WeightSharing(model, 0); });
  error_of(ErrorKind::usage, [&] { WeightSharing(model, 256); });
}

TEST(WeightSharing, ClustersMoveTogetherInRetraining) {
  Model model = toy_model(1);
  const Pruning pruning(model, 0.5);
  const WeightSharing sharing(model, 4);
  const std::vector<float> before = values_of(model.parameter("fc.weight"));
  FitOptions options = toy_options();
  options.epochs = 1;
  options.constrain = sharing;
  fit(model, toy_dataset(64, 1), nullptr, options);
  const Tensor& after = model.parameter("fc.weight");
  EXPECT_NE(values_of(after), before);
  EXPECT_LE(distinct(after).size(), 5U);
  for (int64_t i = 0; i < after.size(); ++i) {
    EXPECT_TRUE(before[static_cast<size_t>(i)] != 0 || after[i] == 0) << i;
    for (int64_t j = 0; j < i; ++j) {
      if (before[static_cast<size_t>(i)] != before[static_cast<size_t>(j)]) continue;
      ASSERT_EQ(after[i], after[j]);
    }
  }
}

TEST(CompressedModel, LoadsAsAnyModelDoes) {
  const TempFolder folder;
  const auto path = folder / "small.fovea";
  Model model = toy_model(1);
  const auto round_trip = [&](const char* what) {
    SCOPED_TRACE(what);
    const int64_t size = save_compressed(model, path);
    EXPECT_EQ(size, static_cast<int64_t>(std::filesystem::file_size(path)));
    expect_equal(load_model(path), model);
  };
  round_trip("as it is");
  const auto whole = std::filesystem::file_size(path);
  const Pruning pruning(model, 0.9);
  round_trip("pruned");
  const auto pruned = std::filesystem::file_size(path);
  EXPECT_LT(pruned, whole);
  const WeightSharing sharing(model, 8);
  round_trip("pruned and shared");
  EXPECT_LT(std::filesystem::file_size(path), pruned);
  model = toy_model(2);
  const WeightSharing dense_sharing(model, 16);
  round_trip("shared");
  std::ranges::fill(model.parameter("fc.weight").values(), 0.0F);
  round_trip("a layer of zeros");
  model.parameter("fc.weight")[287] = 3;
  round_trip("a gap of 287");
}

TEST(CompressedModel, DamageIsToldAndNothingElseHappens) {
  const TempFolder folder;
  Model model = toy_model(1);
  const Pruning pruning(model, 0.9);
  const WeightSharing sharing(model, 8);
  save_compressed(model, folder / "good");
  const std::string good = read_text(folder / "good");
  for (size_t cut = 0; cut < good.size(); cut += 37) {
    write_text(folder / "bad", good.substr(0, cut));
    error_of(ErrorKind::format, [&] { load_model(folder / "bad"); });
  }
  for (size_t at = 4; at < good.size(); at += 23) {  // the checksum finds every changed bit
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 4);
    error_of(ErrorKind::format, [&] { parse_compressed(bytes_of(bad), "bad"); });
  }
  // A frame that says it holds a terabyte.
  const std::string bomb("\x28\xb5\x2f\xfd\xe0\0\0\0\0\0\1\0\0\1\0\0", 16);
  EXPECT_THAT(error_of(ErrorKind::format, [&] { parse_compressed(bytes_of(bomb), "bomb"); }), HasSubstr("claims"));
}

}  // namespace
}  // namespace fovea
