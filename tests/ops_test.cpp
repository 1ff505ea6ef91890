// Worked numbers, through the naive reference and the fast kernel, and what the ops refuse.
#include "fovea/ops.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "fovea/error.h"

namespace fovea {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

using Floats = std::vector<float>;
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

// The last node of a graph, run on given inputs and parameters for a batch of as many samples as the values hold.
class NodeRun {
 public:
  NodeRun(const Graph& graph, std::vector<Floats> inputs, std::vector<Floats> parameters = {}, bool training = false)
      : node_(graph.node(graph.output_node())),
        inputs_(std::move(inputs)),
        parameters_(std::move(parameters)),
        training_(training) {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const Shape& sample = graph.node(node_.inputs[i]).shape;
      shapes_.inputs.push_back(sample.with_batch(static_cast<int64_t>(inputs_[i].size()) / sample.elements()));
    }
    shapes_.output = node_.op->infer(shapes_.inputs);
  }

  Floats reference() { return forward(*prepare_reference(*node_.op, shapes_)); }
  Floats fast() { return forward(*node_.op->prepare(shapes_, {.training = training_, .input_gradients = wanted()})); }
  // Of input 0, for a gradient of ones.
  Floats reference_gradient() { return backward(*prepare_reference(*node_.op, shapes_)); }
  Floats fast_gradient() {
    return backward(*node_.op->prepare(shapes_, {.training = training_, .input_gradients = wanted()}));
  }
  const std::vector<Floats>& parameters() const { return parameters_; }

 private:
  std::vector<bool> wanted() const { return std::vector<bool>(inputs_.size(), true); }

  Floats forward(Kernel& kernel) {
    prepare(kernel);
    kernel.forward(step_);
    return output_;
  }
  Floats backward(Kernel& kernel) {
    forward(kernel);
    const Floats ones(output_.size(), 1.0F);
    std::vector<Floats> gradients = inputs_;
    std::vector<float*> pointers;
    for (Floats& gradient : gradients) pointers.push_back(gradient.data());
    for (size_t i = 0; i < pointers.size(); ++i) pointers[i] = node_.op->differentiable(i) ? pointers[i] : nullptr;
    const std::vector<float*> none(parameters_.size(), nullptr);
    step_.output_gradient = ones.data();
    step_.input_gradients = pointers;
    step_.parameter_gradients = none;
    kernel.backward(step_);
    return gradients[0];
  }
  void prepare(const Kernel& kernel) {
    input_pointers_.clear();
    parameter_pointers_.clear();
    for (const Floats& input : inputs_) input_pointers_.push_back(input.data());
    for (Floats& parameter : parameters_) parameter_pointers_.push_back(parameter.data());
    output_.assign(static_cast<size_t>(shapes_.output.elements()), nan);
    saved_.assign(kernel.saved_size(), nan);
    scratch_.assign(kernel.scratch_size(), nan);
    step_.inputs = input_pointers_;
    step_.parameters = parameter_pointers_;
    step_.output = output_.data();
    step_.saved = saved_.data();
    step_.scratch = scratch_.data();
    step_.random = Random(11, 5);
    step_.training = training_;
  }

  const Node& node_;
  Signature shapes_;
  std::vector<Floats> inputs_;
  std::vector<Floats> parameters_;
  bool training_;
  std::vector<const float*> input_pointers_;
  std::vector<float*> parameter_pointers_;
  Floats output_, saved_, scratch_;
  Step<float> step_;
};

void expect_output(NodeRun run, const Floats& expected, float tolerance = 0) {
  EXPECT_THAT(run.reference(), Pointwise(FloatNear(tolerance), expected));
  EXPECT_THAT(run.fast(), Pointwise(FloatNear(tolerance), expected));
}

void expect_gradient(NodeRun run, const Floats& expected, float tolerance = 0) {
  EXPECT_THAT(run.reference_gradient(), Pointwise(FloatNear(tolerance), expected));
  EXPECT_THAT(run.fast_gradient(), Pointwise(FloatNear(tolerance), expected));
}

TEST(MaxPool, WorkedNumbers) {
  Graph graph;
  max_pool(graph.input("x", {4, 4, 1}), {.kernel = 2});
  expect_output({graph, {{1, 1, 2, 4, 5, 6, 7, 8, 3, 2, 1, 0, 1, 2, 3, 4}}}, {6, 8, 3, 4});
}

TEST(MaxPool, OverlappingWindows) {
  Graph graph;
  max_pool(graph.input("x", {3, 3, 1}), {.kernel = 2, .stride = 1});
  const std::vector<Floats> x = {{0, 1, 2, 3, 4, 5, 6, 7, 8}};
  expect_output({graph, x}, {4, 5, 7, 8});
  expect_gradient({graph, x}, {0, 0, 0, 0, 1, 1, 0, 1, 1});
}

TEST(MaxPool, GradientGoesToTheFirstOfEqualMaxima) {
  Graph graph;
  max_pool(graph.input("x", {2, 2, 1}), {.kernel = 2});
  expect_gradient({graph, {{1, 5, 5, 5}}}, {0, 1, 0, 0});
}

TEST(MaxPool, KeepsNaN) {
  Graph graph;
  max_pool(graph.input("x", {2, 2, 1}), {.kernel = 2});
  for (size_t i = 0; i < 4; ++i) {
    Floats x = {1, 2, 3, 4};
    x[i] = nan;
    EXPECT_TRUE(std::isnan(NodeRun(graph, {x}).reference()[0])) << i;
    EXPECT_TRUE(std::isnan(NodeRun(graph, {x}).fast()[0])) << i;
  }
}

TEST(MaxPool, NegativeInfinityIsAMaximumToo) {
  Graph graph;
  max_pool(graph.input("x", {2, 2, 1}), {.kernel = 2});
  const float low = -std::numeric_limits<float>::infinity();
  expect_gradient({graph, {{low, low, low, low}}}, {1, 0, 0, 0});
}

TEST(MaxPool, DropsALastWindowThatWouldStartInThePadding) {
  Graph graph;
  const Value x = graph.input("x", {5, 5, 2});
  EXPECT_EQ(max_pool(x, {.kernel = 2, .ceil_mode = true}).shape(), Shape({1, 3, 3, 2}));
  EXPECT_EQ(max_pool(x, {.kernel = 2, .padding = 1, .ceil_mode = true}).shape(), Shape({1, 3, 3, 2}));
  EXPECT_EQ(max_pool(x, {.kernel = 3, .stride = 2, .padding = Padding::same()}).shape(), Shape({1, 3, 3, 2}));
}

TEST(AvgPool, DividesByPaddingOrNot) {
  const std::vector<Floats> x = {{1, 2, 3, 4}};
  Graph with;
  avg_pool(with.input("x", {2, 2, 1}), {.kernel = 2, .padding = 1});
  expect_output({with, x}, {0.25, 0.5, 0.75, 1});
  Graph without;
  avg_pool(without.input("x", {2, 2, 1}), {.kernel = 2, .padding = 1, .count_include_pad = false});
  expect_output({without, x}, {1, 2, 3, 4});
}

TEST(AvgPool, CountsNothingBeyondThePaddingInCeilMode) {
  Graph graph;
  avg_pool(graph.input("x", {3, 3, 1}), {.kernel = 2, .ceil_mode = true});
  expect_output({graph, {{1, 2, 3, 4, 5, 6, 7, 8, 9}}}, {3, 4.5, 7.5, 9});
}

TEST(GlobalPool, WholePictures) {
  Graph graph;
  const Value x = graph.input("x", {2, 2, 1});
  global_avg_pool(x);
  expect_output({graph, {{1, 2, 3, 6, 0, 0, 0, 4}}}, {3, 1});
  global_max_pool(x);
  expect_output({graph, {{1, 2, 3, 6, 0, 0, 0, 4}}}, {6, 4});
  EXPECT_TRUE(graph.receptive_field(graph.output_node()).whole);
}

TEST(Flatten, ChannelByChannel) {
  Graph graph;
  EXPECT_EQ(flatten(graph.input("x", {2, 2, 3})).shape(), Shape({1, 12}));
  expect_output({graph, {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}}}, {0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11});
}

TEST(Softmax, WorkedNumbers) {
  Graph graph;
  const Value x = graph.input("x", {3});
  softmax(x);
  expect_output({graph, {{1, 2, 3}}}, {0.0900306F, 0.2447285F, 0.6652410F}, 1e-7F);
  expect_output({graph, {{1001, 1002, 1003}}}, {0.0900306F, 0.2447285F, 0.6652410F}, 1e-7F);
  log_softmax(x);
  expect_output({graph, {{1, 2, 3}}}, {-2.4076059F, -1.4076059F, -0.4076059F}, 1e-6F);
}

TEST(CrossEntropy, WorkedNumbers) {
  Graph graph;
  cross_entropy(graph.input("logits", {3}), graph.input("class", {1}));
  const std::vector<Floats> inputs = {{1, 2, 3, 1, 2, 3}, {2, 0}};
  expect_output({graph, inputs}, {(0.4076059F + 2.4076059F) / 2}, 1e-6F);
  expect_gradient({graph, inputs}, {0.0450153F, 0.1223642F, -0.1673795F, -0.4549847F, 0.1223642F, 0.3326205F}, 1e-7F);
}

TEST(CrossEntropy, RefusesWhatIsNoClass) {
  Graph graph;
  cross_entropy(graph.input("logits", {3}), graph.input("class", {}));
  for (const float wrong : {-1.0F, 3.0F, 0.5F, nan, 1e20F}) {
    NodeRun run(graph, {{1, 2, 3, 1, 2, 3}, {2, wrong}});
    for (const bool fast : {false, true}) {
      try {
        fast ? run.fast() : run.reference();
        ADD_FAILURE() << "took class " << wrong;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::data);
        EXPECT_THAT(error.what(), AllOf(HasSubstr("sample 1"), HasSubstr("from 0 to 2")));
      }
    }
  }
}

TEST(Mse, MeanOfSquares) {
  Graph graph;
  mse(graph.input("prediction", {2}), graph.input("target", {2}));
  expect_output({graph, {{1, 2, 3, 4}, {1, 0, 3, 5}}}, {1.25});
  expect_gradient({graph, {{1, 2, 3, 4}, {1, 0, 3, 5}}}, {0, 1, 0, -0.5});
}

TEST(Arithmetic, Broadcasts) {
  Graph graph;
  const Value a = graph.input("a", {2, 1, 2});
  const Value b = graph.input("b", {1, 2, 1});
  EXPECT_EQ((a * b).shape(), Shape({1, 2, 2, 2}));
  expect_output({graph, {{1, 2, 3, 4}, {10, 100}}}, {10, 20, 100, 200, 30, 40, 300, 400});
  expect_gradient({graph, {{1, 2, 3, 4}, {10, 100}}}, {110, 110, 110, 110});
  a + b;
  expect_output({graph, {{1, 2, 3, 4}, {10, 100}}}, {11, 12, 101, 102, 13, 14, 103, 104});
}

TEST(Concatenate, JoinsChannels) {
  Graph graph;
  concatenate({graph.input("a", {2, 1, 2}), graph.input("b", {2, 1, 1})});
  expect_output({graph, {{1, 2, 3, 4}, {5, 6}}}, {1, 2, 5, 3, 4, 6});
}

TEST(BatchNorm, MovesRunningStatistics) {
  Graph graph;
  batch_norm(Scope(graph) / "bn", graph.input("x", {1}));
  const std::vector<Floats> parameters = {{2}, {3}, {1}, {1}};
  for (const bool fast : {false, true}) {
    NodeRun run(graph, {{1, 2, 3, 6}}, parameters, true);
    const Floats y = fast ? run.fast() : run.reference();
    const float deviation = std::sqrt(3.5F + 1e-5F);  // the biased variance of 1 2 3 6
    EXPECT_THAT(y, Pointwise(FloatNear(1e-6F), Floats{3 - 4 / deviation, 3 - 2 / deviation, 3, 3 + 6 / deviation}));
    EXPECT_FLOAT_EQ(run.parameters()[2][0], 0.9F * 1 + 0.1F * 3);
    EXPECT_FLOAT_EQ(run.parameters()[3][0], 0.9F * 1 + 0.1F * 14 / 3);  // unbiased
  }
  expect_output({graph, {{1, 2, 3, 6}}, parameters}, {3, 5, 7, 13}, 1e-4F);
}

TEST(BatchNorm, StaysAccurateFarFromZero) {
  Graph graph;
  batch_norm(Scope(graph) / "bn", graph.input("x", {1}));
  Floats x(4096);
  for (size_t i = 0; i < x.size(); ++i) x[i] = 100000 + static_cast<float>(i % 4);  // variance 1.25
  Floats y = NodeRun(graph, {x}, {{1}, {0}, {0}, {1}}, true).fast();
  y.resize(4);
  EXPECT_THAT(y, Pointwise(FloatNear(2e-5F), Floats{-1.341636F, -0.447212F, 0.447212F, 1.341636F}));
}

TEST(BatchNorm, NeedsMoreThanOneValueToTrain) {
  Graph graph;
  const Value y = batch_norm(Scope(graph) / "bn", graph.input("x", {6}));
  const Signature one = {{{1, 6}}, {1, 6}};
  const Op& op = *graph.node(y.node()).op;
  EXPECT_NO_THROW(op.prepare(one, {}));
  try {
    op.prepare(one, {.training = true});
    ADD_FAILURE() << "prepared for one value per channel";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.what(), HasSubstr("more than one value per channel, got 1x6"));
  }
}

TEST(Dropout, DropsWhatTheRandomNumbersSay) {
  Graph graph;
  dropout(graph.input("x", {1000}), 0.3);
  const Floats x(1000, 7.0F);
  NodeRun run(graph, {x}, {}, true);
  const Floats y = run.fast();
  EXPECT_EQ(y, run.reference());
  const Random random(11, 5);
  int dropped = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    const bool drops = random.bits(i) < 0.3 * 0x1p32;
    dropped += drops;
    EXPECT_FLOAT_EQ(y[i], drops ? 0.0F : 10.0F);
  }
  EXPECT_NEAR(dropped, 300, 60);  // four standard deviations
  EXPECT_EQ(run.fast_gradient(), run.reference_gradient());
  expect_output({graph, {x}}, x);
}

// Runs build on a picture of 8x6x4 and a vector of 5 and expects an error that names the node and says `part`.
template <class Build>
void expect_refusal(const Build& build, const std::string& node, const std::string& part) {
  Graph graph;
  const Value picture = graph.input("picture", {8, 6, 4});
  const Value vector = graph.input("vector", {5});
  try {
    build(picture, vector);
    ADD_FAILURE() << "accepted; expected: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::format);
    EXPECT_THAT(error.what(), AllOf(HasSubstr(fmt::format("node '{}'", node)), HasSubstr(part)));
  }
}

TEST(Ops, RefuseShapesThatDoNotFit) {
  using V = Value;
  expect_refusal([](V, V v) { max_pool(v, {.kernel = 2}); }, "max_pool", "rank 3, 4 or 5), got 1x5 (rank 2)");
  expect_refusal([](V p, V) { max_pool(p, {.kernel = 7}); }, "max_pool", "the 7x7 window does not fit the 8x6 picture");
  expect_refusal([](V p, V) { avg_pool(p, {.kernel = 0}); }, "avg_pool", "kernel must be between 1 and");
  expect_refusal([](V p, V) { avg_pool(p, {.kernel = 2, .stride = -1}); }, "avg_pool", "stride must be between 1 and");
  expect_refusal([](V p, V) { avg_pool(p, {.kernel = 2, .padding = 2}); }, "avg_pool", "less than the kernel");
  expect_refusal([](V p, V v) { p + v; }, "add", "same rank, got 1x8x6x4 and 1x5");
  expect_refusal([](V p, V) { p* global_avg_pool(max_pool(p, {})) * max_pool(p, {}); }, "multiply_2",
                 "equal or 1, got 1x8x6x4 and 1x4x3x4");
  expect_refusal([](V p, V v) { concatenate({p, v}); }, "concatenate", "agree, got 1x8x6x4 and 1x5");
  expect_refusal([](V p, V v) { cross_entropy(p, v); }, "cross_entropy", "logits {N, K} (rank 2)");
  expect_refusal([](V, V v) { cross_entropy(v, v); }, "cross_entropy", "one class for each of 1 samples");
  expect_refusal([](V p, V v) { mse(p, v); }, "mse", "same shape, got 1x8x6x4 and 1x5");
  expect_refusal([](V p, V) { dropout(p, 1.0); }, "dropout", "less than 1, got 1");
  expect_refusal([](V p, V) { dropout(p, nan); }, "dropout", "less than 1, got nan");
  expect_refusal([](V p, V) { batch_norm(p.graph(), p, {.epsilon = 0}); }, "batch_norm", "epsilon must be positive");
}

}  // namespace
}  // namespace fovea
