#include "fovea/drawing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "explain/graph_boxes.h"
#include "explain/label_places.h"
#include "explain/layered_layout.h"
#include "fovea/chart.h"
#include "fovea/error.h"
#include "fovea/ops.h"
#include "fovea/zoo.h"

namespace fovea {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// ---- Boxes ---------------------------------------------------------------------------------------------------------

std::vector<std::string> names(const Graph& graph, const GraphBox& box) {
  std::vector<std::string> result;
  for (const int node : box.nodes) result.push_back(graph.node(node).name);
  return result;
}

TEST(GraphBoxes, KeepNormsAndActivationsWithTheirLayer) {
  Graph graph;
  const Scope scope(graph);
  Value x = graph.input("x", {8, 8, 4});
  Value y = relu(batch_norm(scope / "bn", conv(scope / "conv", x, {.filters = 4})));
  Value z = conv(scope / "after", relu(batch_norm(scope / "before", y)), {.filters = 4});
  y = relu(add(y, z));
  const GraphBoxes grouped = group_nodes(graph);
  ASSERT_EQ(grouped.boxes.size(), 4U);
  EXPECT_THAT(names(graph, grouped.boxes[0]), ElementsAre("x"));
  EXPECT_THAT(names(graph, grouped.boxes[1]), ElementsAre("conv", "bn", "relu"));
  EXPECT_THAT(names(graph, grouped.boxes[2]), ElementsAre("before", "relu_2", "after"));
  EXPECT_EQ(graph.node(grouped.boxes[2].main).name, "after");
  EXPECT_THAT(names(graph, grouped.boxes[3]), ElementsAre("add", "relu_3"));
}

// ---- Layout --------------------------------------------------------------------------------------------------------

struct Laid {
  std::vector<LayoutBox> boxes;
  std::vector<LayoutEdge> edges;
  Layout layout;
};

Laid lay_out_boxes_of(std::string_view name) {
  const Graph graph = zoo::build(name);
  const GraphBoxes grouped = group_nodes(graph);
  Laid laid;
  for (size_t i = 0; i < grouped.boxes.size(); ++i) {
    laid.boxes.push_back({60.0 + static_cast<double>(i * 37 % 90), 30.0 + static_cast<double>(i * 13 % 40)});
  }
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    for (const int input : graph.nodes()[i].inputs) {
      const LayoutEdge edge = {grouped.box_of[static_cast<size_t>(input)], grouped.box_of[i]};
      if (edge.from != edge.to) laid.edges.push_back(edge);
    }
  }
  laid.layout = lay_out(laid.boxes, laid.edges);
  return laid;
}

class LayoutOf : public ::testing::TestWithParam<const char*> {};

TEST_P(LayoutOf, HasNoOverlapsAndJoinsWhatBelongsTogether) {
  const auto [boxes, edges, layout] = lay_out_boxes_of(GetParam());
  for (size_t a = 0; a < boxes.size(); ++a) {
    const Point p = layout.corners[a];
    EXPECT_GE(p.x, -0.1);
    EXPECT_GE(p.y, -0.1);
    EXPECT_LE(p.x + boxes[a].width, layout.width + 0.1);
    EXPECT_LE(p.y + boxes[a].height, layout.height + 0.1);
    for (size_t b = 0; b < a; ++b) {
      const Point q = layout.corners[b];
      const bool apart = p.x + boxes[a].width < q.x || q.x + boxes[b].width < p.x || p.y + boxes[a].height < q.y ||
                         q.y + boxes[b].height < p.y;
      EXPECT_TRUE(apart) << "boxes " << b << " and " << a;
    }
  }
  ASSERT_EQ(layout.routes.size(), edges.size());
  for (size_t e = 0; e < edges.size(); ++e) {
    const auto from = static_cast<size_t>(edges[e].from);
    const auto to = static_cast<size_t>(edges[e].to);
    const Point first = layout.routes[e].front();
    const Point last = layout.routes[e].back();
    EXPECT_NEAR(first.x, layout.corners[from].x + boxes[from].width / 2, 0.1);
    EXPECT_NEAR(first.y, layout.corners[from].y + boxes[from].height, 0.1);
    EXPECT_NEAR(last.x, layout.corners[to].x + boxes[to].width / 2, 0.1);
    EXPECT_NEAR(last.y, layout.corners[to].y, 0.1);
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, LayoutOf,
                         ::testing::Values("lenet5", "googlenet", "densenet121", "resnet50", "inception_v3",
                                           "efficientnet_b0", "squeezenet1_1"));

TEST(Layout, BranchesStandSideBySideUnderTheirInput) {
  const Layout layout =
      lay_out({{40, 20}, {40, 20}, {40, 20}, {40, 20}, {40, 20}}, {{0, 1}, {0, 2}, {0, 3}, {1, 4}, {2, 4}, {3, 4}});
  EXPECT_EQ(layout.corners[1].y, layout.corners[3].y);
  EXPECT_NEAR(layout.corners[0].x, layout.corners[2].x, 0.1);
  EXPECT_NEAR(layout.corners[4].x, layout.corners[2].x, 0.1);
  EXPECT_GT(layout.corners[4].y, layout.corners[2].y + 20);
}

TEST(Layout, LongChainsAreFolded) {
  std::vector<LayoutBox> boxes(100, {100, 30});
  std::vector<LayoutEdge> edges;
  for (int i = 1; i < 100; ++i) edges.push_back({i - 1, i});
  const Layout layout = lay_out(boxes, edges);
  EXPECT_GT(layout.width / layout.height, 1);
  EXPECT_LT(layout.width / layout.height, 2.2);
  EXPECT_EQ(lay_out({}, {}).width, 0);
}

// ---- Pictures ------------------------------------------------------------------------------------------------------

size_t count(const std::string& text, const std::string& word) {
  size_t found = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

TEST(Drawing, SaysNamesOptionsShapesAndParameters) {
  const std::string svg = to_svg(zoo::build("resnet18"), "a <title> & more");
  for (const char* shown : {">a &lt;title&gt; &amp; more<", ">layer2.0.conv1<", ">conv 128 3x3 stride 2 pad 1 nobias<",
                            ">28x28x128<", ">74.0K<", ">max_pool 3x3 stride 2 pad 1<", ">batch_norm, relu<", ">add<"}) {
    EXPECT_THAT(svg, HasSubstr(shown));
  }
  EXPECT_EQ(count(svg, "<svg "), 1U);
  EXPECT_EQ(count(svg, "<text "), count(svg, "</text>"));
  EXPECT_EQ(svg, to_svg(zoo::build("resnet18"), "a <title> & more"));
}

TEST(Drawing, SurvivesStrangeGraphs) {
  Graph graph;
  graph.input("a\"<\n&\xff", {4, 4, 1});
  graph.input("unused", {3});
  EXPECT_THAT(to_svg(graph, ""), Not(HasSubstr("\xff")));
  EXPECT_THAT(to_svg(Graph(), "nothing"), HasSubstr("nothing"));
}

// ---- Bubble charts -------------------------------------------------------------------------------------------------

double covered(const Box& a, const Box& b) {
  return std::max(0.0, std::min(a.right, b.right) - std::max(a.left, b.left)) *
         std::max(0.0, std::min(a.bottom, b.bottom) - std::max(a.top, b.top));
}

TEST(Labels, FindRoomInACrowd) {
  std::vector<Labelled> discs;
  for (int i = 0; i < 12; ++i) discs.push_back({{300.0 + 9 * (i % 4), 200.0 + 9 * (i / 4)}, 12, 70, 12});
  discs.push_back({{5, 5}, 3, 70, 12});
  const Box frame = {0, 0, 600, 400};
  const std::vector<Box> places = place_labels(discs, frame);
  for (size_t a = 0; a < places.size(); ++a) {
    EXPECT_GE(places[a].left, frame.left);
    EXPECT_GE(places[a].top, frame.top);
    for (size_t b = 0; b < a; ++b) EXPECT_EQ(covered(places[a], places[b]), 0) << b << " and " << a;
  }
}

TEST(BubbleChart, DrawsEveryBubbleWithItsNameAndNumbers) {
  const BubbleChart chart = {.title = "T",
                             .x_label = "cost",
                             .y_label = "accuracy",
                             .area_label = "size",
                             .bubbles = {{"small", 1e6, 50, 1e6, "a"}, {"large", 1e9, 80, 1e8, "b"}}};
  const std::string svg = to_svg(chart);
  EXPECT_THAT(svg, HasSubstr("<title>small: cost 1.00M, accuracy 50, size 1.00M</title>"));
  EXPECT_THAT(svg, HasSubstr(">large</text>"));
  EXPECT_THAT(svg, HasSubstr(">100M</text>"));
  EXPECT_THAT(svg, HasSubstr(">10.0M</text>"));
  EXPECT_EQ(count(svg, "<circle "), 2U + 3U);
}

TEST(BubbleChart, OneBubbleIsEnough) {
  const BubbleChart chart = {
      .title = "", .x_label = "", .y_label = "", .area_label = "", .bubbles = {{"x", 1, 0, 0, ""}}};
  EXPECT_THAT(to_svg(chart), Not(HasSubstr("nan")));
}

TEST(BubbleChart, RefusesWhatCannotBeDrawn) {
  EXPECT_THROW(to_svg(BubbleChart{}), Error);
  for (const Bubble& bubble :
       {Bubble{"x", 0, 1, 1, ""}, {"x", NAN, 1, 1, ""}, {"x", 1, INFINITY, 1, ""}, {"x", 1, 1, -1, ""}}) {
    EXPECT_THROW(to_svg(BubbleChart{"", "", "", "", {bubble}}), Error);
  }
}

}  // namespace
}  // namespace fovea
