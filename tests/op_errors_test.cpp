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
  EXPECT_THAT(make_error("dense", {{"units", int64_t{3}}, {"bias", 1.0}}), HasSubstr("'bias'"));
}

}  // namespace
}  // namespace fovea
