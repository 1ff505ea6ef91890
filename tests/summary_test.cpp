#include "fovea/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "fovea/ops.h"
#include "fovea/session.h"
#include "fovea/text_form.h"
#include "fovea/zoo.h"

namespace fovea {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const SummaryRow& row(const Summary& summary, const std::string& node) {
  const auto found = std::ranges::find(summary.rows, node, &SummaryRow::node);
  EXPECT_NE(found, summary.rows.end()) << node;
  return *found;
}

TEST(Summary, KnowsEveryNode) {
  const Summary summary = summarize(zoo::build("lenet5"));
  EXPECT_EQ(summary.rows.front().op, "input");
  const SummaryRow& conv2 = row(summary, "conv2");
  EXPECT_EQ(conv2.op, "conv");
  EXPECT_EQ(conv2.options, "16 5x5");
  EXPECT_EQ(conv2.output, Shape({10, 10, 16}));
  EXPECT_EQ(conv2.parameters, 2416);
  EXPECT_EQ(conv2.multiply_adds, 10 * 10 * 16 * 150);
  EXPECT_THAT(conv2.receptive_field.extent, ElementsAre(14, 14));  // 1 + 4, pool +1, + 4*2
  EXPECT_EQ(conv2.activation_bytes, 10 * 10 * 16 * 4);
  EXPECT_TRUE(row(summary, "fc2").receptive_field.whole);
  EXPECT_EQ(summary.parameters, 61706);
  EXPECT_EQ(summary.untrained_parameters, 0);
  EXPECT_EQ(summary.parameter_bytes, 61706 * 4);
  // conv 117600 + 240000 + 48000, fc 10080 + 840
  EXPECT_EQ(summary.multiply_adds, 416520);
  EXPECT_THAT(summary.warnings, IsEmpty());
}

// Papers count the convolutions and dense layers on the longest way through; Keras all layers with parameters.
TEST(Summary, CountsDepthAsPapersAndAsKerasDo) {
  struct Case {
    const char* name;
    int64_t depth, layers;
  };
  for (const auto& [name, depth, layers] : {Case{"lenet5", 5, 5},
                                            {"alexnet", 8, 8},
                                            {"vgg16", 16, 16},
                                            {"vgg19", 19, 19},
                                            {"googlenet", 22, 115},
                                            {"inception_v3", 48, 189},
                                            {"resnet18", 18, 41},
                                            {"resnet50", 50, 107},
                                            {"resnet101", 101, 209},
                                            {"resnet152", 152, 311},
                                            {"densenet121", 121, 242},
                                            {"densenet169", 169, 338},
                                            {"densenet201", 201, 402},
                                            {"mobilenet_v2", 53, 105}}) {
    SCOPED_TRACE(name);
    const Totals totals = total(zoo::build(name));
    EXPECT_EQ(totals.depth, depth);
    EXPECT_EQ(totals.layers, layers);
  }
  // Keras begins these with a layer that holds the pictures' mean and variance: 132, 186, 210, 438.
  for (const auto& [name, layers] : {std::pair{"efficientnet_b0", 131},
                                     {"efficientnet_b1", 185},
                                     {"efficientnet_b3", 209},
                                     {"efficientnet_b7", 437}}) {
    EXPECT_EQ(total(zoo::build(name)).layers, layers) << name;
  }
}

TEST(Summary, MemoryIsThatOfTheSessions) {
  for (const char* name : {"lenet5", "tinyvgg", "resnet20"}) {
    SCOPED_TRACE(name);
    Model model = zoo::create(name);
    const Graph& graph = model.graph();
    const Summary summary = summarize(graph);
    EXPECT_EQ(summary.inference_bytes, static_cast<int64_t>(Session(model, {}).arena_bytes()));
    const std::string output = graph.node(graph.output_node()).name;
    const Session training(model, {.training = true, .differentiate = output});
    EXPECT_EQ(summary.training_bytes, static_cast<int64_t>(training.arena_bytes()) + 4 * summary.parameters);
    EXPECT_LT(summary.inference_bytes, summary.activation_bytes);
    EXPECT_GT(summary.training_bytes, summary.inference_bytes);
  }
}

TEST(Summary, CountsRunningStatisticsApart) {
  const Summary summary = summarize(zoo::build("minivgg"));
  EXPECT_EQ(summary.parameters, 2169770);
  EXPECT_EQ(summary.untrained_parameters, 1408);
}

TEST(Summary, WritesOptionsInTheWordsOfTheTextForm) {
  const auto options = [](const std::string& layer) {
    return summarize(graph_from_text(layer, {16, 16, 4})).rows.back().options;
  };
  for (const char* same : {"8 3x3", "8 3x5 stride 2x1 pad 1", "8 1x1 pad 1x0 nobias", "8 3x3 dilation 2 groups 4",
                           "8 3x3 stride 2 pad same"}) {
    EXPECT_EQ(options(std::string("conv ") + same), same);
  }
  EXPECT_EQ(options("convt 8 3 stride 2 pad 1 outpad 1x0"), "8 3x3 stride 2 pad 1 outpad 1x0");
  EXPECT_EQ(options("maxpool 2"), "2x2");
  EXPECT_EQ(options("maxpool 3 stride 2 pad 1 ceil"), "3x3 stride 2 pad 1 ceil");
  EXPECT_EQ(options("avgpool 3 stride 1"), "3x3 stride 1");
  EXPECT_EQ(options("dropout 0.25"), "0.25");
  EXPECT_EQ(options("flatten, fc 10 nobias"), "10 nobias");
  EXPECT_EQ(options("relu"), "");
  Graph graph;
  conv(Scope(graph) / "uneven", graph.input("x", {8, 8, 1}),
       {.filters = 1, .kernel = 2, .padding = Padding(0, 1, 0, 1)});
  EXPECT_EQ(summarize(graph).rows.back().options, "1 2x2 pad 0/1/0/1");
}

TEST(Summary, WarnsOfUnusedBorderPixels) {
  const auto warnings = [](int64_t side, const std::string& text) {
    return summarize(graph_from_text(text, {side, side, 1})).warnings;
  };
  EXPECT_THAT(warnings(7, "conv 1 3"), IsEmpty());
  EXPECT_THAT(warnings(7, "conv 1 3 stride 2"), IsEmpty());
  EXPECT_THAT(warnings(7, "conv 1 3 stride 3"),
              ElementsAre("'conv1' uses 6 of 7 rows and columns: (7 - 3)/3 + 1 = 2.33 windows of 3 with stride 3"));
  EXPECT_THAT(warnings(8, "maxpool 3x4"),
              ElementsAre("'pool1' uses 6 of 8 rows: (8 - 3)/3 + 1 = 2.67 windows of 3 with stride 3"));
  EXPECT_THAT(warnings(8, "maxpool 4x3 stride 5x3"),
              ElementsAre(HasSubstr("uses 4 of 8 rows: (8 - 4)/5"), HasSubstr("uses 6 of 8 columns")));
  EXPECT_THAT(warnings(8, "maxpool 3 ceil"), IsEmpty());
  EXPECT_THAT(warnings(224, "conv 1 7 stride 2 pad 3"), IsEmpty());  // a padding row only
  EXPECT_THAT(warnings(56, "conv 1 1 stride 2"), IsEmpty());         // skipped as every other row is
  EXPECT_THAT(warnings(7, "conv 1 3 stride 3 pad same"), IsEmpty());
}

TEST(Summary, KnowsSequencesAndVolumes) {
  const Summary sequence = summarize(graph_from_text("conv 8 5 stride 2 pad 1, maxpool 3", {22, 2}));
  EXPECT_EQ(sequence.rows[1].options, "8 5 stride 2 pad 1");
  EXPECT_EQ(sequence.rows[1].multiply_adds, 10 * 8 * 2 * 5);
  EXPECT_THAT(sequence.rows[2].receptive_field.extent, ElementsAre(9));
  EXPECT_THAT(sequence.warnings,
              ElementsAre("'pool1' uses 9 of 10 positions: (10 - 3)/3 + 1 = 3.33 windows of 3 with stride 3"));
  const Summary volume = summarize(graph_from_text("conv 4 3 pad 1, avgpool 2x1x1", {5, 6, 7, 2}));
  EXPECT_EQ(volume.rows[1].options, "4 3x3x3 pad 1");
  EXPECT_EQ(volume.rows[1].parameters, 4 * 2 * 27 + 4);
  EXPECT_EQ(volume.rows[1].multiply_adds, 5 * 6 * 7 * 4 * 2 * 27);
  EXPECT_THAT(volume.rows[2].receptive_field.extent, ElementsAre(4, 3, 3));
  EXPECT_THAT(volume.warnings, ElementsAre(HasSubstr("uses 4 of 5 planes")));
}

// An output of a transposed convolution of stride 2 sees half as many inputs as its kernel is long, and lies half as
// far from its neighbours.
TEST(Summary, FollowsReceptiveFieldsUp) {
  const Summary summary = summarize(
      graph_from_text("conv 4 3 stride 2 pad 1, convt 4 4 stride 2 pad 1, conv 1 3 pad 1, convt 1 3", {32, 32, 1}));
  const auto field = [&](size_t row) { return summary.rows[row].receptive_field; };
  EXPECT_THAT(field(1).extent, ElementsAre(3, 3));
  EXPECT_THAT(field(2).extent, ElementsAre(5, 5));  // two inputs, 2 apart
  EXPECT_THAT(field(2).jump, ElementsAre(1, 1));
  EXPECT_THAT(field(3).extent, ElementsAre(7, 7));
  EXPECT_THAT(field(4).extent, ElementsAre(9, 9));
  EXPECT_EQ(summary.rows[2].multiply_adds, 16 * 16 * 4 * 4 * 16);
  EXPECT_THAT(summary.warnings, IsEmpty());
}

TEST(Summary, WarnsOfNodesThatDoNotReachTheOutput) {
  Graph graph;
  const Value x = graph.input("x", {4, 4, 1});
  const Value dead = max_pool(Scope(graph) / "dead", x, {.kernel = 2});
  graph.add("deader", make_op("relu", {}), {dead});
  graph.set_output(relu(x));
  EXPECT_THAT(summarize(graph).warnings,
              ElementsAre("'dead' does not reach the output", "'deader' does not reach the output"));
}

TEST(Summary, TableFitsIntoAHundredColumns) {
  const std::string long_text = "conv 1048 3x3 stride 2x1 pad 1x0 dilation 1x2 groups 4 nobias, maxpool 2";
  for (Graph graph : {zoo::build("lenet5"), zoo::build("minivgg"), zoo::build("tinyvgg"),
                      graph_from_text(long_text, {1024, 1024, 4})}) {
    graph.add(std::string(60, 'n') + ".\n.weight", make_op("relu", {}), {graph.output()});
    std::istringstream lines(format_table(summarize(graph)));
    for (std::string line; std::getline(lines, line) && !line.empty();) EXPECT_LE(line.size(), 100U) << line;
  }
}

TEST(Summary, TableReadsWell) {
  const std::string table =
      format_table(summarize(graph_from_text("conv 6 5, relu, maxpool 2, flatten, fc 10", {32, 32, 1})));
  EXPECT_THAT(table, testing::StartsWith(R"(node     layer         output   params  mult-adds  sees    memory
input    input         32x32x1                      1x1  4.00 KiB
conv1    conv 6 5x5    28x28x6     156       118K   5x5  18.4 KiB
relu     relu          28x28x6                      5x5  18.4 KiB
pool1    max_pool 2x2  14x14x6                      6x6  4.59 KiB
flatten  flatten       1176                         6x6  4.59 KiB
fc1      dense 10      10        11.8K      11.8K   all      40 B

11,926 parameters (46.6 KiB) in 2 layers, 2 deep
129K multiply-adds and 50.0 KiB of activations for one sample
)"));
  // Kernels take scratch memory by the width of the machine's vectors.
  EXPECT_THAT(table, testing::ContainsRegex("\n[0-9.]+ KiB of memory beside the parameters to run one sample, "
                                            "[0-9.]+ KiB to train on it\n$"));
}

TEST(Summary, JsonIsExact) {
  const auto json = nlohmann::json::parse(to_json(summarize(zoo::build("lenet5"))));
  EXPECT_EQ(json["parameters"], 61706);
  EXPECT_EQ(json["multiply_adds"], 416520);
  EXPECT_EQ(json["nodes"].size(), zoo::build("lenet5").nodes().size());
  const auto& conv1 = json["nodes"][1];
  EXPECT_EQ(conv1["node"], "conv1");
  EXPECT_EQ(conv1["output"], nlohmann::json({28, 28, 6}));
  EXPECT_EQ(conv1["receptive_field"], nlohmann::json({5, 5}));
  EXPECT_EQ(json["nodes"].back()["receptive_field"], "all");
  EXPECT_EQ(json["warnings"], nlohmann::json::array());
}

// Neither the cost nor the receptive field of these fits into 64 bits.
TEST(Summary, CountsUpToTheLargestNumber) {
  constexpr int64_t largest = std::numeric_limits<int64_t>::max();
  const Summary costly = summarize(graph_from_text("2 x (2 x (conv 1048576 1 pad 1024))", {4096, 4096, 1}));
  EXPECT_EQ(costly.multiply_adds, largest);
  const Summary wide = summarize(graph_from_text("64 x (maxpool 3 stride 2 pad 1)", {1, 1, 1}));
  EXPECT_EQ(wide.rows.back().receptive_field.extent[0], largest);
}

TEST(Summary, CsvQuotesWhatItMust) {
  Graph graph;
  graph.input("a \"b\", c", {4, 4, 1});
  EXPECT_EQ(to_csv(summarize(graph)),
            "node,op,options,output,parameters,multiply_adds,receptive_field,activation_bytes\n"
            "\"a \"\"b\"\", c\",input,,4x4x1,0,0,1x1,64\n");
}

}  // namespace
}  // namespace fovea
