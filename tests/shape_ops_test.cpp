// Networks that change shapes on the way, and what the shape ops and the newer functions refuse.
#include "fovea/shape_ops.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>

#include "fovea/ops.h"
#include "fovea/session.h"
#include "fovea/text_form.h"
#include "test_files.h"

namespace fovea {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// Runs a network on 0, 1, 2 ...
std::vector<float> output_of(Graph graph, int64_t batch = 1) {
  Model model(std::move(graph));
  Session session(model, {.batch = batch});
  const std::span<float> x = session.input("x");
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  session.forward();
  return {session.output().begin(), session.output().end()};
}

TEST(ShapeOps, SliceAsNumPyDoes) {
  Graph graph;
  slice(graph.input("x", {6}), {{.start = -2, .stop = 0, .step = -2}});
  EXPECT_THAT(output_of(graph), ElementsAre(4, 2));
  slice(graph.value("x"), {{.start = 1, .step = 2}});
  EXPECT_THAT(output_of(graph), ElementsAre(1, 3, 5));
}

TEST(ShapeOps, SplitMakesUpTheAxis) {
  Graph graph;
  const std::vector<Value> parts = split(graph.input("x", {2, 1, 3}), -1, {2, 1});
  EXPECT_EQ(parts[0].shape(), Shape({1, 2, 1, 2}));
  EXPECT_THAT(output_of(graph), ElementsAre(2, 5));
  EXPECT_THAT(error_of(ErrorKind::format,
                       [&] {
                         split(graph.value("x"), 3, {2, 2});
                       }),
              AllOf(HasSubstr("'x'"), HasSubstr("2 + 2 do not make up the 3 of axis 3")));
}

TEST(ShapeOps, PadAndUpsample) {
  Graph graph;
  pad(graph.input("x", {3}), {{1, 2, 1}}, PadMode::reflect);
  EXPECT_THAT(output_of(graph), ElementsAre(2, 1, 0, 1, 2, 1));
  pad(graph.value("x"), {{1, 1, 2}}, PadMode::edge);
  EXPECT_THAT(output_of(graph), ElementsAre(0, 0, 1, 2, 2, 2));
  pad(graph.value("x"), {{1, -1, 1}}, PadMode::constant, 7);
  EXPECT_THAT(output_of(graph), ElementsAre(1, 2, 7));
  Graph picture;
  resize(picture.input("x", {1, 2, 1}), {.scale = {1, 2}, .method = Interpolation::linear});
  EXPECT_THAT(output_of(picture), ElementsAre(0, 0.25, 0.75, 1));
}

TEST(ShapeOps, MaxoutTakesTheLargestPiece) {
  Graph graph;
  maxout(graph.input("x", {6}), 3);
  EXPECT_THAT(output_of(graph), ElementsAre(4, 5));
  EXPECT_THAT(error_of(ErrorKind::format, [&] { maxout(graph.value("x"), 4); }), HasSubstr("6 channels"));
}

// Reshaping costs nothing: values and gradients go through it as if it were not there.
TEST(ShapeOps, ReshapeIsTheSameMemory) {
  Graph graph;
  const Value x = graph.input("x", {4, 4, 2});
  const Value y = conv(Scope(graph) / "conv", x, {.filters = 6, .kernel = 3, .padding = 1});
  const Value z = relu(reshape(reshape(y, {0, -1, 6}), {0, 2, 8, 6}));
  const std::string loss = mse(transpose(z, {0, 3, 1, 2}), graph.input("target", {6, 2, 8})).name();
  Model model(graph, 3);
  std::vector<std::vector<float>> results;
  for (const bool reference : {false, true}) {
    Session session(model, {.batch = 2,
                            .training = true,
                            .differentiate = loss,
                            .gradients = {"x"},
                            .keep = {loss},
                            .reference = reference});
    for (const char* name : {"x", "target"}) {
      const std::span<float> input = session.input(name);
      for (size_t i = 0; i < input.size(); ++i) input[i] = std::sin(static_cast<float>(i));
    }
    session.forward();
    session.backward();
    std::vector<float> result(session.gradient("x").begin(), session.gradient("x").end());
    const auto weights = session.parameter_gradient(0);
    result.insert(result.end(), weights.begin(), weights.end());
    results.push_back(result);
    if (!reference) {
      for (const NodeProfile& node : session.profile()) EXPECT_NE(node.op, "reshape");
    }
  }
  EXPECT_THAT(results[0], testing::Pointwise(testing::FloatNear(1e-6F), results[1]));
}

// The channels of a reshaped value are not those that its memory was written by.
TEST(ShapeOps, ReshapeBeforeAConcatenation) {
  Graph graph;
  const Value x = graph.input("x", {4, 4, 2});
  const Value a = conv(Scope(graph) / "a", x, {.filters = 6, .kernel = 3, .padding = 1});
  const Value b = conv(Scope(graph) / "b", reshape(x, {0, 2, 4, 4}), {.filters = 5});
  concatenate({reshape(a, {0, 2, 4, 12}), b, max_pool(b, {.kernel = 1})});
  Model model(graph, 3);
  std::vector<std::vector<float>> results;
  for (const bool reference : {false, true}) {
    Session session(model, {.batch = 2, .reference = reference});
    const std::span<float> input = session.input("x");
    for (size_t i = 0; i < input.size(); ++i) input[i] = std::sin(static_cast<float>(i));
    session.forward();
    results.emplace_back(session.output().begin(), session.output().end());
  }
  EXPECT_THAT(results[0], testing::Pointwise(testing::FloatNear(1e-6F), results[1]));
}

// On a picture of 8x6x4; the error names the node and says `part`.
void expect_refusal(const std::function<Value(Value)>& build, const std::string& node, const std::string& part) {
  Graph graph;
  const Value x = graph.input("x", {8, 6, 4});
  EXPECT_THAT(error_of(ErrorKind::format, [&] { build(x); }), AllOf(HasSubstr("'" + node + "'"), HasSubstr(part)));
}

TEST(ShapeOps, RefuseWhatDoesNotFit) {
  using V = Value;
  expect_refusal([](V x) { return reshape(x, {0, 5, -1}); }, "reshape", "1x8x6x4 has 192 elements");
  expect_refusal([](V x) { return reshape(x, {-1, -1}); }, "reshape", "at most one extent may be -1");
  expect_refusal([](V x) { return reshape(x, {1, 2, 3, 4, 0}); }, "reshape", "extent 4");
  expect_refusal([](V x) { return reshape(x, {0, INT64_MAX, INT64_MAX}); }, "reshape", "192 elements");
  expect_refusal([](V x) { return transpose(x, {0, 1, 2, 2}); }, "transpose", "once, got 0 1 2 2");
  expect_refusal([](V x) { return transpose(x, {0, 2, 1}); }, "transpose", "each of the 4 axes");
  expect_refusal([](V x) { return slice(x, {{.axis = 4}}); }, "slice", "no axis 4");
  expect_refusal([](V x) { return slice(x, {{.axis = 1, .start = 9}}); }, "slice", "nothing is left of axis 1");
  expect_refusal([](V x) { return slice(x, {{.step = 0}}); }, "slice", "other than 0");
  expect_refusal([](V x) { return slice(x, {{.step = INT64_MIN}}); }, "slice", "within 2^48");
  expect_refusal([](V x) { return slice(x, {{.axis = 3}, {.axis = -1}}); }, "slice", "sliced twice");
  expect_refusal([](V x) { return pad(x, {{1, 8, 0}}, PadMode::reflect); }, "pad", "cannot have 8 more");
  expect_refusal([](V x) { return pad(x, {{1, -5, -3}}); }, "pad", "nothing is left of axis 1");
  expect_refusal([](V x) { return pad(x, {{1, INT64_MAX, 0}}); }, "pad", "widths must be between");
  expect_refusal([](V x) { return pad(x, {{1, 1, 0}}, PadMode::constant, NAN); }, "pad", "finite");
  expect_refusal([](V x) { return resize(x, {}); }, "resize", "either the size or the scale");
  expect_refusal([](V x) { return resize(x, {.size = {3, 3, 3}}); }, "resize", "each of the 2 spatial axes");
  expect_refusal([](V x) { return resize(x, {.scale = {-1}}); }, "resize", "scales must be positive");
  expect_refusal([](V x) { return resize(x, {.scale = {0.01}}); }, "resize", "would have 0 elements");
  expect_refusal([](V x) { return resize(x, {.scale = {1e7}}); }, "resize", "1 to 16777216 are allowed");
  expect_refusal([](V x) { return depth_to_space(x, 3); }, "depth_to_space", "4 channels");
  expect_refusal([](V x) { return space_to_depth(x, 4); }, "space_to_depth", "8x6 picture");
  expect_refusal([](V x) { return space_to_depth(x, 0); }, "space_to_depth", "block must be between");
  expect_refusal([](V x) { return reduce_mean(x, {}); }, "reduce_mean", "at least one axis");
  expect_refusal([](V x) { return reduce_max(x, {1, -3}); }, "reduce_max", "axis -3 is given twice");
}

TEST(Functions, RefuseOptionsThatMakeNoSense) {
  using V = Value;
  expect_refusal([](V x) { return clip(x, 1, 0); }, "clip", "low must not be above high");
  expect_refusal([](V x) { return power(x, NAN); }, "power", "exponent must be finite");
  expect_refusal([](V x) { return smooth_abs(x, 0); }, "smooth_abs", "beta must be positive");
  expect_refusal([](V x) { return prelu(x.graph(), x, {.initial = NAN}); }, "prelu", "initial slope");
  expect_refusal([](V x) { return group_norm(Scope(x.graph()) / "gn", x, {.groups = 3}); }, "gn",
                 "4 channels cannot be divided among 3 groups");
  expect_refusal([](V x) { return local_response_norm(x, {.size = 0}); }, "local_response_norm", "size must be");
  expect_refusal([](V x) { return local_response_norm(x, {.k = 0}); }, "local_response_norm", "k must be positive");
  expect_refusal([](V x) { return spatial_dropout(x, 1); }, "spatial_dropout", "less than 1, got 1");
  expect_refusal([](V x) { return subtract(x, flatten(x)); }, "subtract", "same rank");
  expect_refusal([](V x) { return weighted_sum({x, x}, {1}); }, "weighted_sum", "takes 1 input, got 2");
  expect_refusal([](V x) { return soft_cross_entropy(flatten(x), x); }, "soft_cross_entropy", "a target for each");
  expect_refusal(
      [](V x) {
        return cross_entropy(flatten(x), reduce_mean(x, {1, 2, 3}), 2);
      },
      "cross_entropy", "label smoothing must be between 0 and 1, got 2");
  expect_refusal([](V x) { return l1_loss(x, flatten(x)); }, "x", "same shape, got 1x8x6x4 and 1x192");
}

TEST(Functions, LossesOfDifferences) {
  Graph graph;
  const Value x = graph.input("x", {4});
  l1_loss(x, negate(x));
  EXPECT_THAT(output_of(graph), ElementsAre(3));  // of 0 2 4 6
  smooth_l1_loss(x, negate(x), 4);
  EXPECT_THAT(output_of(graph), ElementsAre((0 + 0.5F + 2 + 4) / 4));
}

TEST(Functions, HaveWordsInTheTextForm) {
  const auto shape = [](const char* text) {
    const Graph graph = graph_from_text(text, {8, 8, 4});
    return graph.node(graph.output_node()).shape;
  };
  EXPECT_EQ(shape("upsample 2 bilinear, pad 1x2 reflect, depthtospace 2"), Shape({1, 36, 40, 1}));
  EXPECT_EQ(shape("prelu, lrn 3 alpha 1e-3 k 2, groupnorm 2, instancenorm, layernorm, spatialdropout 0.2, maxout 2"),
            Shape({1, 8, 8, 2}));
  EXPECT_EQ(shape("softplus, selu, mish, spacetodepth 4"), Shape({1, 2, 2, 64}));
}

}  // namespace
}  // namespace fovea
