#include "fovea/text_form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "fovea/error.h"
#include "fovea/zoo.h"

namespace fovea {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const Shape picture = {32, 32, 4};

std::vector<std::string> types(const Graph& graph) {
  std::vector<std::string> result;
  for (const Node& node : graph.nodes()) result.push_back(node.op ? std::string(node.op->type()) : "input");
  return result;
}

Attributes attributes(const std::string& layer) {
  const Graph graph = graph_from_text(layer, picture);
  return graph.node(graph.output_node()).op->attributes();
}

Shape output(const std::string& text, const Shape& input = picture) {
  Graph graph = graph_from_text(text, input);
  return graph.output().shape();
}

std::string error_of(const std::string& text, ErrorKind kind = ErrorKind::usage) {
  try {
    graph_from_text(text, picture);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  return "no error";
}

std::string repeated(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

TEST(TextForm, BuildsLayerAfterLayer) {
  Graph graph = graph_from_text("conv 32 3x3 pad 1, relu, bn, maxpool 2, flatten, fc 10", {28, 28, 1});
  EXPECT_EQ(types(graph),
            (std::vector<std::string>{"input", "conv", "relu", "batch_norm", "max_pool", "flatten", "dense"}));
  EXPECT_EQ(graph.output().shape(), Shape({1, 10}));
  EXPECT_EQ(graph.output().name(), "fc1");
  EXPECT_EQ(graph.parameters().front().name, "conv1.weight");
}

TEST(TextForm, DescribesNetworksOfTheZoo) {
  const std::vector<std::pair<std::string, std::string>> texts = {
      {"mlp", "flatten, fc 300, relu, fc 100, relu, fc 10"},
      {"lenet5",
       "conv 6 5, tanh, avgpool 2, conv 16 5, tanh, avgpool 2, conv 120 5, tanh, flatten, fc 84, tanh, fc 10"},
      {"digits", "conv 6 5, relu, maxpool 2, conv 16 5, relu, maxpool 2, flatten, fc 120, relu, fc 100, relu, fc 10"},
      {"tinyvgg", "2 x (2 x (conv 10 3, relu), maxpool 2), flatten, fc 10"},
      {"minivgg",
       "2 x (conv 32 3 pad same, relu, bn), maxpool 2, dropout 0.25\n"
       "2 x (conv 64 3 pad same, relu, bn), maxpool 2, dropout 0.25\n"
       "flatten, fc 512, relu, bn, dropout 0.5, fc 10"},
  };
  for (const auto& [name, text] : texts) {
    SCOPED_TRACE(name);
    const Graph expected = zoo::build(name);
    const Graph graph = graph_from_text(text, zoo::find(name).input);
    ASSERT_EQ(types(graph), types(expected));
    for (size_t i = 1; i < graph.nodes().size(); ++i) {
      EXPECT_EQ(graph.nodes()[i].shape, expected.nodes()[i].shape);
      EXPECT_EQ(graph.nodes()[i].op->attributes(), expected.nodes()[i].op->attributes());
    }
  }
}

TEST(TextForm, ReadsOptionsInAnyOrder) {
  const Attributes conv = attributes("conv 8 3x5 groups 2 nobias dilation 2 stride 2x1 pad 1x2");
  EXPECT_EQ(conv.at("filters"), Attribute(int64_t{8}));
  EXPECT_EQ(conv.at("kernel"), Attribute(std::vector<int64_t>{3, 5}));
  EXPECT_EQ(conv.at("groups"), Attribute(int64_t{2}));
  EXPECT_EQ(conv.at("bias"), Attribute(false));
  EXPECT_EQ(conv.at("dilation"), Attribute(std::vector<int64_t>{2, 2}));
  EXPECT_EQ(conv.at("stride"), Attribute(std::vector<int64_t>{2, 1}));
  EXPECT_EQ(conv.at("padding"), Attribute(std::vector<int64_t>{1, 1, 2, 2}));
  EXPECT_EQ(attributes("depthwise 3 pad same").at("groups"), Attribute(int64_t{4}));
  EXPECT_EQ(attributes("depthwise 3 pad same").at("same"), Attribute(true));
  const Attributes convt = attributes("convt 8 3 stride 2 pad 1 outpad 1x0 groups 4 dilation 1x2 nobias");
  EXPECT_EQ(convt.at("filters"), Attribute(int64_t{8}));
  EXPECT_EQ(convt.at("stride"), Attribute(std::vector<int64_t>{2, 2}));
  EXPECT_EQ(convt.at("padding"), Attribute(std::vector<int64_t>{1, 1, 1, 1}));
  EXPECT_EQ(convt.at("output_padding"), Attribute(std::vector<int64_t>{1, 0}));
  EXPECT_EQ(convt.at("dilation"), Attribute(std::vector<int64_t>{1, 2}));
  EXPECT_EQ(convt.at("groups"), Attribute(int64_t{4}));
  EXPECT_EQ(convt.at("bias"), Attribute(false));
  EXPECT_EQ(attributes("maxpool 3 ceil stride 2").at("ceil_mode"), Attribute(true));
  EXPECT_EQ(attributes("leakyrelu").at("alpha"), Attribute(0.01));
  EXPECT_EQ(attributes("leakyrelu 0.2").at("alpha"), Attribute(0.2));
  EXPECT_EQ(attributes("elu 2").at("alpha"), Attribute(2.0));
  EXPECT_EQ(attributes("dropout 1e-1").at("rate"), Attribute(0.1));
  EXPECT_EQ(attributes("flatten, fc 3 nobias").at("bias"), Attribute(false));
}

TEST(TextForm, HasSynonymsAndIgnoresCaseAndSpace) {
  EXPECT_EQ(types(graph_from_text("MaxPool 2,max_pool 2 ,\tGAP", picture)),
            (std::vector<std::string>{"input", "max_pool", "max_pool", "global_avg_pool"}));
  EXPECT_EQ(types(graph_from_text("flatten,dense 3,sigmoid,tanh,softmax", picture)),
            (std::vector<std::string>{"input", "flatten", "dense", "sigmoid", "tanh", "softmax"}));
  EXPECT_EQ(types(graph_from_text("globalmaxpool, batchnorm, logsoftmax", picture)),
            (std::vector<std::string>{"input", "global_max_pool", "batch_norm", "log_softmax"}));
}

TEST(TextForm, AcceptsLineBreaksAsSeparators) {
  EXPECT_EQ(output("\n\nconv 8 3\nrelu\n\n, maxpool 2,\n2 x (\n  relu\n  bn\n)\n"), Shape({1, 15, 15, 8}));
}

TEST(TextForm, RepeatsAndAddsResiduals) {
  EXPECT_EQ(output("3 x (conv 8 3, relu)"), Shape({1, 26, 26, 8}));
  EXPECT_EQ(output("3x(2 x (conv 8 3))"), Shape({1, 20, 20, 8}));
  const Graph graph = graph_from_text("residual(conv 4 3 pad 1, relu), relu", picture);
  EXPECT_EQ(types(graph), (std::vector<std::string>{"input", "conv", "relu", "add", "relu"}));
  EXPECT_EQ(graph.node(3).inputs, (std::vector<int>{2, 0}));
  EXPECT_EQ(output("2 x (residual(2 x (conv 4 3 pad 1)))"), Shape({1, 32, 32, 4}));
}

TEST(TextForm, TakesSequencesAndVolumes) {
  EXPECT_EQ(output("conv 8 5 pad 2, relu, maxpool 2, conv 16 3 stride 2, gap", {100, 3}), Shape({1, 1, 16}));
  EXPECT_EQ(output("conv 8 3x5x5 pad 1x2x2, bn, maxpool 1x2x2, conv 16 3, avgpool 2, flatten, fc 4", {8, 20, 20, 3}),
            Shape({1, 4}));
  EXPECT_EQ(output("conv 8 3x1x1", {8, 20, 21, 3}), Shape({1, 6, 20, 21, 8}));
  EXPECT_THAT(error_of("conv 8 3x3x3", ErrorKind::format), HasSubstr("kernel has 3 numbers"));
}

TEST(TextForm, SeparatesAConvolution) {
  const Graph graph = graph_from_text("separable 8 3 stride 2 pad 1 dilation 1, separable 6 5x3 nobias", picture);
  EXPECT_EQ(types(graph), (std::vector<std::string>{"input", "conv", "conv", "conv", "conv"}));
  std::vector<std::string> names;
  for (const ParameterSpec& spec : graph.parameters()) names.push_back(spec.name + " " + to_string(spec.shape));
  EXPECT_EQ(names,
            (std::vector<std::string>{"separable1.depthwise.weight 4x1x3x3", "separable1.pointwise.weight 8x4x1x1",
                                      "separable1.pointwise.bias 8", "separable2.depthwise.weight 8x1x5x3",
                                      "separable2.pointwise.weight 6x8x1x1"}));
  EXPECT_EQ(graph.node(2).shape, Shape({1, 16, 16, 8}));
}

TEST(TextForm, BuildsADecoder) {
  EXPECT_EQ(
      output("2 x (conv 8 3 stride 2 pad 1, relu), convt 8 3 stride 2 pad 1 outpad 1, relu, convt 1 4 stride 2 pad 1"),
      Shape({1, 32, 32, 1}));
}

TEST(TextForm, SaysWhereAndWhatWasExpected) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "column 1, the end: expected a layer"},
      {"relu,", "column 6, the end: expected a layer"},
      {"relu,,relu", "column 6, ',': expected a layer"},
      {"conv 8 3, rleu", "column 11, 'rleu': unknown layer; did you mean 'relu'?"},
      {"transformer", "unknown layer; there are residual(...), 3 x (...), avgpool"},
      {"conv",
       "column 5, the end: expected the number of filters, a whole number from 1 to 1048576; the form is: conv "},
      {"conv 8", "column 7, the end: expected the kernel, such as 3 or 3x5"},
      {"conv 0 3", "column 6, '0': expected the number of filters"},
      {"conv -8 3", "column 6, '-8'"},
      {"conv 8.5 3", "column 6, '8.5'"},
      {"conv 8 3x", "column 8, '3x'"},
      {"conv 8 x3", "column 8, 'x3'"},
      {"conv 8 3x3x3x3", "column 8, '3x3x3x3'"},
      {"convt 8", "column 8, the end: expected the kernel"},
      {"convt 8 3 outpad -1", "column 18, '-1': expected the output padding"},
      {"separable 8 3 groups 2", "column 15, 'groups'"},
      {"conv 8 3 padd 1", "column 10, 'padd': expected an option or ',' before the next layer; did you mean 'pad'?"},
      {"conv 8 3 pad", "column 13, the end: expected 'same', 'valid' or the padding"},
      {"conv 8 3 pad -1", "column 14, '-1'"},
      {"conv 8 3 stride 0", "column 17, '0': expected the stride"},
      {"conv 8 3 stride 2 stride 2", "column 19, 'stride': the option is given twice"},
      {"depthwise 3 groups 2", "column 13, 'groups'"},
      {"relu 3", "column 6, '3': expected ',' before the next layer"},
      {"relu tanh", "column 6, 'tanh': expected ',' before the next layer"},
      {"elu nan", "column 5, 'nan': expected alpha, a number"},
      {"dropout", "column 8, the end: expected the rate"},
      {"dropout 1", "column 9, '1': expected a rate of at least 0 and below 1"},
      {"dropout 1.5", "column 9, '1.5'"},
      {"dropout -0.1", "column 9, '-0.1'"},
      {"fc 99999999999999999999", "column 4, '99999999999999999999': expected the number of units"},
      {"3 x relu", "column 5, 'relu': expected '('; the form is: N x (LAYER"},
      {"3 (relu)", "column 3, '(': expected 'x'"},
      {"0 x (relu)", "column 1, '0': expected a layer, or how often to repeat, from 1"},
      {"3 x ()", "column 6, ')': expected a layer"},
      {"(relu)", "column 1, '(': expected a layer"},
      {"2 x (relu", "column 5, '(': this parenthesis is never closed"},
      {"relu)", "column 5, ')': this parenthesis was never opened"},
      {"relu\nrelu, tanhh", "line 2, column 7, 'tanhh': unknown layer; did you mean 'tanh'?"},
      {"relu\nconv 8\nrelu", "line 2, column 7, the end of the line: expected the kernel"},
      {std::string("re\0lu\x1b[2J\xff", 10), "column 1, 're?lu?[2J?': unknown layer"},
  };
  for (const auto& [text, expected] : cases) EXPECT_THAT(error_of(text), HasSubstr(expected)) << text;
}

TEST(TextForm, NamesTheLayerThatDoesNotFit) {
  EXPECT_THAT(error_of("conv 8 3, conv 16 33x3", ErrorKind::format),
              StartsWith("column 11, 'conv': node 'conv2' (conv): "));
  EXPECT_THAT(error_of("fc 10", ErrorKind::format), StartsWith("column 1, 'fc': node 'fc1' (dense): "));
  EXPECT_THAT(error_of("conv 8 3 groups 3", ErrorKind::format), StartsWith("column 1, 'conv'"));
  EXPECT_THAT(
      error_of("relu, residual(conv 8 3)", ErrorKind::format),
      HasSubstr("column 7, 'residual': the layers inside must keep the shape 1x32x32x4, they make it 1x30x30x8"));
}

TEST(TextForm, RefusesHostileTexts) {
  EXPECT_THAT(error_of(repeated("relu,", 200'000)), HasSubstr("may have 65536 bytes, this one has 1000000"));
  EXPECT_THAT(error_of(repeated("1 x (", 33) + "relu" + repeated(")", 33)), HasSubstr("deeper than 32"));
  EXPECT_EQ(output(repeated("1 x (", 32) + "relu" + repeated(")", 32)), Shape({1, 32, 32, 4}));
  EXPECT_THAT(error_of(repeated("(", 65'536)), HasSubstr("expected a layer"));
  EXPECT_THAT(error_of(std::string(65'536, 'x')), HasSubstr("'" + std::string(40, 'x') + "...'"));
  EXPECT_THAT(error_of("1048576 x (1048576 x (relu))"), HasSubstr("more than 1000 layers"));
  EXPECT_THAT(error_of("1000 x (residual(relu))"), HasSubstr("more than 1000 layers"));
  EXPECT_THAT(error_of("4 x (conv 1048576 1048576 pad 1048576)", ErrorKind::format), HasSubstr("'conv1'"));
}

TEST(TextForm, TakesItsLongestNetworkInReasonableTime) {
  const std::clock_t start = std::clock();  // of the processor: the machine may be busy
  EXPECT_EQ(graph_from_text("1000 x (relu" + std::string(60'000, '\n') + ")", picture).nodes().size(), 1001U);
  EXPECT_LT(std::clock() - start, 10 * CLOCKS_PER_SEC);
}

TEST(TextForm, IsToldFromANameOrAPath) {
  EXPECT_TRUE(is_text_form("conv 8 3"));
  EXPECT_TRUE(is_text_form("flatten,relu"));
  EXPECT_FALSE(is_text_form("lenet5"));
  EXPECT_FALSE(is_text_form("runs/lenet5/best.safetensors"));
}

}  // namespace
}  // namespace fovea
