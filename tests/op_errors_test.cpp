#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>

#include "fovea/error.h"
#include "fovea/ops.h"

// Shapes and options that do not fit: the message names the node, and the kind is format.
namespace fovea {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::format) << error.what();
    return error.what();
  }
  return "no error";
}

// Builds on a picture of 5x6x4 named "x".
std::string build_error(const std::function<Value(Value)>& build) {
  Graph graph;
  const Value x = graph.input("x", {5, 6, 4});
  return error_of([&] { build(x); });
}

std::string conv_error(const ConvOptions& options) {
  return build_error([&](Value x) { return conv(Scope(x.graph()) / "block" / "conv1", x, options); });
}

TEST(OpErrors, ConvNamesItsNodeAndWhatIsWrong) {
  const auto names_node = HasSubstr("node 'block.conv1' (conv)");
  EXPECT_THAT(conv_error({.filters = 3, .kernel = 7}), AllOf(names_node, HasSubstr("7x7"), HasSubstr("5x6")));
  EXPECT_THAT(conv_error({.filters = 3, .kernel = 3, .dilation = 3}), AllOf(names_node, HasSubstr("7x7")));
  EXPECT_THAT(conv_error({.filters = 6, .groups = 3}), AllOf(names_node, HasSubstr("4 "), HasSubstr("3 groups")));
  EXPECT_THAT(conv_error({.filters = 5, .groups = 2}), AllOf(names_node, HasSubstr("5 "), HasSubstr("2 groups")));
  EXPECT_THAT(conv_error({.filters = 0}), AllOf(names_node, HasSubstr("filters")));
  EXPECT_THAT(conv_error({.filters = 3, .kernel = {0, 3}}), AllOf(names_node, HasSubstr("kernel")));
  EXPECT_THAT(conv_error({.filters = 3, .stride = 0}), AllOf(names_node, HasSubstr("stride")));
  EXPECT_THAT(conv_error({.filters = 3, .dilation = -1}), AllOf(names_node, HasSubstr("dilation")));
  EXPECT_THAT(conv_error({.filters = 3, .padding = -1}), AllOf(names_node, HasSubstr("padding")));
  EXPECT_THAT(conv_error({.filters = 4, .groups = 0}), AllOf(names_node, HasSubstr("groups")));
  EXPECT_THAT(conv_error({.filters = INT64_MAX}), AllOf(names_node, HasSubstr("filters")));
  EXPECT_THAT(conv_error({.filters = 3, .kernel = INT64_MAX}), AllOf(names_node, HasSubstr("kernel")));
  EXPECT_THAT(conv_error({.filters = 3, .padding = INT64_MAX}), AllOf(names_node, HasSubstr("padding")));
}

// A sequence of 9x4 and a volume of 3x5x6x4.
std::string sequence_error(const std::function<Value(const Scope&, Value)>& build) {
  Graph graph;
  const Value x = graph.input("x", {9, 4});
  return error_of([&] { build(Scope(graph) / "layer", x); });
}
std::string volume_error(const std::function<Value(const Scope&, Value)>& build) {
  Graph graph;
  const Value x = graph.input("x", {3, 5, 6, 4});
  return error_of([&] { build(Scope(graph) / "layer", x); });
}

TEST(OpErrors, SpeakOfSequencesAndVolumes) {
  using V = Value;
  EXPECT_EQ(sequence_error([](const Scope& s, V x) { return conv(s, x, {.filters = 3, .kernel = 10}); }),
            "node 'layer' (conv): the 10 window does not fit the 9 sequence with its padding");
  EXPECT_EQ(sequence_error([](const Scope& s, V x) {
              return conv(s, x, {.filters = 3, .kernel = {1, 3}});
            }),
            "node 'layer' (conv): kernel has 2 numbers (1x3), {N, L, C} takes one");
  EXPECT_THAT(sequence_error([](const Scope& s, V x) {
                return max_pool(s, x, {.kernel = {2, 2}});
              }),
              HasSubstr("node 'layer' (max_pool): kernel has 2 numbers (2x2), {N, L, C} takes one"));
  EXPECT_THAT(sequence_error([](const Scope& s, V x) {
                return adaptive_avg_pool(s, x, {2, 2});
              }),
              HasSubstr("output has 2 numbers"));
  EXPECT_EQ(volume_error([](const Scope& s, V x) {
              return conv(s, x, {.filters = 3, .kernel = {4, 1, 1}});
            }),
            "node 'layer' (conv): the 4x1x1 window does not fit the 3x5x6 volume with its padding");
  EXPECT_THAT(volume_error([](const Scope& s, V x) {
                return conv(s, x, {.filters = 3, .padding = {1, 1}});
              }),
              HasSubstr("padding has 2 numbers (1x1), {N, D, H, W, C} takes one or 3"));
  EXPECT_THAT(volume_error([](const Scope& s, V x) {
                return avg_pool(s, x, {.kernel = 2, .padding = Padding::sides(0, {0, 0, 2})});
              }),
              HasSubstr("padding (0 before, 2 after) must be less than the kernel, 2"));
  constexpr int64_t huge = int64_t{1} << 24;
  EXPECT_THAT(
      volume_error([](const Scope& s, V x) { return conv(s, x, {.filters = 1, .stride = huge, .padding = huge}); }),
      HasSubstr("more than 2^48 elements"));
}

std::string convt_error(const ConvTransposeOptions& options) {
  return build_error([&](Value x) { return conv_transpose(Scope(x.graph()) / "up", x, options); });
}

TEST(OpErrors, TransposedConvolutionNamesItsNode) {
  const auto names_node = HasSubstr("node 'up' (conv_transpose): ");
  EXPECT_THAT(convt_error({.filters = 0}), AllOf(names_node, HasSubstr("filters")));
  EXPECT_THAT(convt_error({.filters = 4, .groups = 3}), AllOf(names_node, HasSubstr("4 filters"), HasSubstr("3")));
  EXPECT_THAT(convt_error({.filters = 3, .groups = 3}), AllOf(names_node, HasSubstr("4 input channels")));
  EXPECT_THAT(convt_error({.filters = 3, .kernel = {3, 3, 3}}), AllOf(names_node, HasSubstr("takes one or 2")));
  EXPECT_THAT(convt_error({.filters = 3, .stride = 2, .output_padding = 2}),
              AllOf(names_node, HasSubstr("output_padding must be less than the stride or the dilation, at most 1")));
  EXPECT_THAT(convt_error({.filters = 3, .output_padding = {0, -1}}), AllOf(names_node, HasSubstr("output_padding")));
  EXPECT_THAT(convt_error({.filters = 3, .padding = Padding::same()}), AllOf(names_node, HasSubstr("got 'same'")));
  EXPECT_THAT(convt_error({.filters = 3, .padding = {3, 0}}),
              AllOf(names_node, HasSubstr("padding (3 before, 3 after) leaves nothing of the output")));
  EXPECT_THAT(convt_error({.filters = 3, .stride = INT64_MAX}), AllOf(names_node, HasSubstr("stride")));
  constexpr int64_t huge = int64_t{1} << 24;
  EXPECT_THAT(convt_error({.filters = 3, .stride = huge}), AllOf(names_node, HasSubstr("2^48")));
}

TEST(OpErrors, SeparableConvolutionHasOneGroup) {
  EXPECT_THAT(build_error([](Value x) {
                return separable_conv(Scope(x.graph()) / "sep", x, {.filters = 3, .kernel = 3, .groups = 2});
              }),
              AllOf(HasSubstr("node 'sep'"), HasSubstr("one group, got 2")));
}

TEST(OpErrors, RanksThatDoNotFit) {
  Graph graph;
  const Value number = graph.input("number", {});
  EXPECT_THAT(error_of([&] { dense(Scope(graph) / "fc", number, 10); }),
              AllOf(HasSubstr("node 'fc' (dense)"), HasSubstr("{N, ..., C}"), HasSubstr("rank 1")));
  const Value flat = graph.input("flat", {12});
  EXPECT_THAT(error_of([&] { conv(Scope(graph) / "conv1", flat, {.filters = 3}); }),
              AllOf(HasSubstr("node 'conv1'"), HasSubstr("1x12")));
  EXPECT_THAT(error_of([&] { max_pool(flat, {}); }), HasSubstr("node 'max_pool'"));
  EXPECT_THAT(error_of([&] { global_avg_pool(flat); }), HasSubstr("node 'global_avg_pool'"));
}

TEST(OpErrors, PoolNamesItsNode) {
  EXPECT_THAT(build_error([](Value x) { return max_pool(x, {.kernel = 7}); }), HasSubstr("node 'max_pool'"));
  EXPECT_THAT(build_error([](Value x) { return avg_pool(x, {.kernel = 0}); }), HasSubstr("node 'avg_pool'"));
  EXPECT_THAT(build_error([](Value x) { return max_pool(x, {.kernel = 2, .stride = -1}); }), HasSubstr("stride"));
  EXPECT_THAT(build_error([](Value x) { return max_pool(x, {.kernel = 2, .padding = 2}); }), HasSubstr("padding"));
  EXPECT_THAT(build_error([](Value x) { return max_pool(Scope(x.graph()) / "pool1", x, {.kernel = 7}); }),
              HasSubstr("node 'pool1'"));
}

std::string make_error(std::string_view type, const Attributes& attributes) {
  return error_of([&] { make_op(type, attributes); });
}

TEST(OpErrors, SerialisedOpsThatMakeNoSense) {
  EXPECT_THAT(make_error("rellu", {}), AllOf(HasSubstr("'rellu'"), HasSubstr("'relu'")));
  EXPECT_THAT(make_error("relu", {{"alpha", 0.1}}), HasSubstr("'alpha'"));
  EXPECT_THAT(make_error("elu", {}), AllOf(HasSubstr("'alpha'"), HasSubstr("missing")));
  EXPECT_THAT(make_error("elu", {{"alpha", std::string("big")}}), AllOf(HasSubstr("'alpha'"), HasSubstr("a number")));
  EXPECT_THAT(make_error("elu", {{"alpha", INFINITY}}), HasSubstr("finite"));
  EXPECT_THAT(make_error("adaptive_avg_pool", {{"output", std::vector<int64_t>{}}}),
              HasSubstr("'output' needs 1 to 3"));
  EXPECT_THAT(make_error("adaptive_avg_pool", {{"output", std::vector<int64_t>{1, 1, 1, 1}}}), HasSubstr("got 4"));
  EXPECT_THAT(make_error("max_pool", {{"kernel", std::vector<int64_t>{2}},
                                      {"stride", std::vector<int64_t>{2}},
                                      {"padding", std::vector<int64_t>{0, 0, 0}}}),
              HasSubstr("'padding' needs two numbers for each axis, got 3"));
  EXPECT_THAT(make_error("dense", {{"units", int64_t{3}}, {"bias", 1.0}}), HasSubstr("'bias'"));
}

}  // namespace
}  // namespace fovea
