#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "fovea/ops.h"

namespace fovea {
namespace {

TEST(Graph, NamesNodesBesideTheirInput) {
  Graph graph;
  const Value x = graph.input("block.x", {2, 2, 3});
  EXPECT_EQ(relu(x).name(), "block.relu");
  EXPECT_EQ(relu(x).name(), "block.relu_2");
  EXPECT_EQ(relu(x).shape(), Shape({1, 2, 2, 3}));
}

}  // namespace
}  // namespace fovea
