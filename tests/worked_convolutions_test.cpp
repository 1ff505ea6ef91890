// Numbers that the courses work out by hand: the outputs of small convolutions, through the naive reference and the
// fast kernels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "fovea/ops.h"
#include "fovea/session.h"

namespace fovea {
namespace {

using Floats = std::vector<float>;

// The output of a convolution without bias on one input.
template <class Build>
Floats run(const Shape& sample, const Floats& x, const Floats& weight, const Build& build, bool reference) {
  Graph graph;
  build(Scope(graph) / "layer", graph.input("x", sample));
  Model model(std::move(graph));
  std::ranges::copy(weight, model.parameter("layer.weight").values().begin());
  Session session(model, {.reference = reference});
  std::ranges::copy(x, session.input("x").begin());
  session.forward();
  return {session.output().begin(), session.output().end()};
}

template <class Build>
void expect_output(const Shape& sample, const Floats& x, const Floats& weight, const Build& build,
                   const Floats& expected) {
  for (const bool reference : {true, false}) EXPECT_EQ(run(sample, x, weight, build, reference), expected);
}

auto convolution(ConvOptions options) {
  options.filters = 1;
  options.bias = false;
  return [options](const Scope& scope, Value x) { return conv(scope, x, options); };
}

TEST(WorkedConvolutions, OnePicture) {
  const Floats x = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  const Floats w = {0, 1, 2, 3};
  expect_output({3, 3, 1}, x, w, convolution({.kernel = 2}), {19, 25, 37, 43});
  expect_output({3, 3, 1}, x, w, convolution({.kernel = 2, .stride = {3, 2}, .padding = 1}), {0, 8, 6, 8});
}

TEST(WorkedConvolutions, TwoChannels) {
  const Floats x = {0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9};  // 0..8 and 1..9, channels last
  const Floats w = {0, 1, 2, 3, 1, 2, 3, 4};
  expect_output({3, 3, 2}, x, w, convolution({.kernel = 2}), {56, 72, 104, 120});
}

TEST(WorkedConvolutions, Sequence) {
  const Floats x = {0, 1, 2, 1, 1, 2, 0, 1, 0, 1, 2, 0, 0, 1};
  expect_output({14, 1}, x, {0.5, 0.5}, convolution({.kernel = 2, .stride = 2}), {0.5, 1.5, 1.5, 0.5, 0.5, 1, 0.5});
}

TEST(WorkedConvolutions, FiveByFive) {
  const Floats x = {3, 3, 2, 1, 0, 0, 0, 1, 3, 1, 3, 1, 2, 2, 3, 2, 0, 0, 2, 2, 2, 0, 0, 0, 1};
  const Floats w = {0, 1, 2, 2, 2, 0, 0, 1, 2};
  expect_output({5, 5, 1}, x, w, convolution({.kernel = 3}), {12, 12, 17, 10, 17, 19, 9, 6, 14});
}

// The course's slide prints 19, 15 and 9 in three of these cells: its slip.
TEST(WorkedConvolutions, SumsOfWindows) {
  const std::vector<Floats> rows = {{1, -2, -1, 5, 3, 2, 1}, {1, 3, -1, 4, 3, 3, 1}, {1, -2, 1, 6, 3, 3, 2},
                                    {2, -2, 2, 5, 2, 1, 0},  {0, 3, -2, 5, 4, 1, 2}, {1, 2, -3, 1, 1, 2, -1},
                                    {1, -2, -1, 1, 2, 1, 1}};
  const Floats eighth = {1, -1, 2, -1, 1, 2, 3};
  Floats seven, eight;
  for (size_t i = 0; i < rows.size(); ++i) {
    seven.insert(seven.end(), rows[i].begin(), rows[i].end());
    eight.insert(eight.end(), rows[i].begin(), rows[i].end());
    eight.push_back(eighth[i]);
  }
  const Floats ones(9, 1);
  expect_output({7, 7, 1}, seven, ones, convolution({.kernel = 3, .stride = 2, .padding = 1}),
                {3, 8, 20, 7, 3, 16, 30, 10, 6, 11, 22, 5, 2, -2, 8, 3});
  expect_output({7, 8, 1}, eight, ones, convolution({.kernel = 3, .stride = 2}), {1, 23, 21, 3, 26, 18, -1, 8, 13});
}

// Each input pixel spreads the kernel; where the copies overlap they add up.
TEST(WorkedConvolutions, Transposed) {
  const auto up = [](int64_t stride) {
    return [stride](const Scope& scope, Value x) {
      return conv_transpose(scope, x, {.filters = 1, .kernel = 2, .stride = stride, .bias = false});
    };
  };
  const Floats x = {0, 1, 2, 3};
  expect_output({2, 2, 1}, x, x, up(1), {0, 0, 1, 0, 4, 6, 4, 12, 9});
  expect_output({2, 2, 1}, x, x, up(2), {0, 0, 0, 1, 0, 0, 2, 3, 0, 2, 0, 3, 4, 6, 6, 9});
}

}  // namespace
}  // namespace fovea
