#include "fovea/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "fovea/error.h"
#include "fovea/ops.h"
#include "graph/memory_planner.h"

namespace fovea {
namespace {

TEST(MemoryPlanner, BuffersThatLiveTogetherNeverOverlap) {
  std::vector<BufferRequest> requests;
  const Random random(3);
  for (uint64_t i = 0; i < 200; ++i) {
    const int first = static_cast<int>(random.below(3 * i, 50));
    requests.push_back(
        {1 + random.below(3 * i + 1, 1000), first, first + static_cast<int>(random.below(3 * i + 2, 10))});
  }
  const MemoryPlan plan = plan_memory(requests);
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(plan.offsets[i] % 16, 0U);
    EXPECT_LE(plan.offsets[i] + requests[i].floats, plan.floats);
    for (size_t j = 0; j < i; ++j) {
      if (requests[i].first > requests[j].last || requests[j].first > requests[i].last) continue;
      EXPECT_TRUE(plan.offsets[i] + requests[i].floats <= plan.offsets[j] ||
                  plan.offsets[j] + requests[j].floats <= plan.offsets[i]);
    }
  }
}

TEST(MemoryPlanner, ReusesMemoryOfTheDead) {
  const MemoryPlan plan = plan_memory({{1000, 0, 1}, {1000, 1, 2}, {1000, 2, 3}, {1000, 3, 4}});
  EXPECT_LE(plan.floats, 2 * 1008U);
}

// A profiled step is a step: the same values and gradients, and a time for every node that has work.
TEST(Session, ProfileTimesEveryNodeOfAStep) {
  Graph graph;
  const Value x = graph.input("x", {6, 6, 2});
  const Value y = conv(graph, conv(graph, x, {.filters = 3, .kernel = 3}), {.filters = 16, .kernel = 3});
  const std::string loss = mse(flatten(y), graph.input("target", {64})).name();
  Model model(graph, 7);
  Session session(model, {.batch = 2, .differentiate = loss});
  for (const char* name : {"x", "target"}) {
    for (size_t i = 0; i < session.input(name).size(); ++i) session.input(name)[i] = 0.01F * static_cast<float>(i % 37);
  }
  session.forward();
  session.backward();
  const float value = session.output()[0];
  const std::vector<float> gradient(session.parameter_gradient(0).begin(), session.parameter_gradient(0).end());

  const std::vector<NodeProfile> nodes = session.profile();
  EXPECT_EQ(session.output()[0], value);
  EXPECT_TRUE(std::ranges::equal(session.parameter_gradient(0), gradient));
  ASSERT_EQ(nodes.size(), 4U);  // two convolutions, flatten, the loss
  EXPECT_EQ(nodes[0].node, "conv");
  EXPECT_EQ(nodes[0].op, "conv");
  EXPECT_EQ(nodes[0].output, (Shape{2, 4, 4, 3}));
  EXPECT_FALSE(nodes[0].algorithm.empty());
  EXPECT_EQ(nodes[0].forward_multiply_adds, 2 * 16 * 3 * 18);
  EXPECT_EQ(nodes[0].backward_multiply_adds, 2 * 16 * 3 * 18);  // nobody wants the gradient of x
  EXPECT_EQ(nodes[1].backward_multiply_adds, 2 * nodes[1].forward_multiply_adds);
  EXPECT_EQ(nodes[3].op, "mse");
  for (const NodeProfile& node : nodes) {
    EXPECT_GT(node.forward_seconds, 0) << node.node;
    EXPECT_GT(node.backward_seconds, 0) << node.node;
  }
}

// x -> tanh -> sigmoid -> relu: values and derivatives known in closed form.
TEST(Session, ValuesAndGradientsOfAChain) {
  Graph graph;
  relu(sigmoid(tanh(graph.input("x", {2, 2, 1}))));
  Model model(graph);
  Session session(model, {.batch = 2, .differentiate = "relu", .gradients = {"x", "tanh"}, .keep = {"tanh"}});
  const std::span<float> x = session.input("x");
  ASSERT_EQ(x.size(), 8U);
  for (size_t i = 0; i < 8; ++i) x[i] = 0.3F * static_cast<float>(i) - 1.0F;
  session.forward();
  session.backward();
  for (size_t i = 0; i < 8; ++i) {
    const float t = std::tanh(x[i]);
    const float s = 1 / (1 + std::exp(-t));
    EXPECT_NEAR(session.output()[i], s, 1e-6);
    EXPECT_NEAR(session.activation("tanh")[i], t, 1e-6);
    EXPECT_NEAR(session.gradient("tanh")[i], s * (1 - s), 1e-6);
    EXPECT_NEAR(session.gradient("x")[i], s * (1 - s) * (1 - t * t), 1e-6);
  }
  EXPECT_THROW(session.activation("sigmoid"), Error);
  EXPECT_THROW(session.gradient("sigmoid"), Error);
  EXPECT_THROW(session.input("relu"), Error);
}

// Gradients -1, 1, -1, 1 arrive at a ReLU that lets the last two values through.
TEST(Session, ReluBackwardRules) {
  Graph graph;
  relu(graph.input("x", {4}));
  Model model(graph);
  const auto gradient = [&](ReluBackward rule) {
    Session session(model, {.differentiate = "relu", .gradients = {"x"}, .relu_backward = rule});
    std::ranges::copy(std::vector<float>{-3, -2, 2, 3}, session.input("x").begin());
    session.forward();
    session.backward(std::vector<float>{-1, 1, -1, 1});
    const std::span<const float> result = session.gradient("x");
    return std::vector<float>(result.begin(), result.end());
  };
  EXPECT_EQ(gradient(ReluBackward::gradient), (std::vector<float>{0, 0, -1, 1}));
  EXPECT_EQ(gradient(ReluBackward::guided), (std::vector<float>{0, 0, 0, 1}));
  EXPECT_EQ(gradient(ReluBackward::deconvnet), (std::vector<float>{0, 1, 0, 1}));
}

// Nothing before the node asked for has a gradient.
TEST(Session, BackwardEndsAtTheNodeAskedFor) {
  Graph graph;
  Value x = max_pool(relu(graph.input("x", {4, 4, 1})), {.kernel = 2});
  sigmoid(x);
  Model model(graph);
  for (const char* node : {"relu", "max_pool", "sigmoid"}) {
    for (const ReluBackward rule : {ReluBackward::gradient, ReluBackward::guided}) {
      Session session(model, {.differentiate = "sigmoid", .gradients = {node}, .relu_backward = rule});
      session.forward();
      session.backward();
      const bool last = std::string_view(node) == "sigmoid";
      EXPECT_FLOAT_EQ(session.gradient(node)[0], last ? 1.0F : 0.25F) << node;
      EXPECT_GE(session.profile().size(), 3U);
    }
  }
}

TEST(Session, RefusesNonsense) {
  Graph graph;
  relu(graph.input("x", {4}));
  Model model(graph);
  EXPECT_THROW(Session(model, {.batch = 0}), Error);
  EXPECT_THROW(Session(model, {.keep = {"rleu"}}), Error);
  Session session(model, {});
  EXPECT_THROW(session.backward(), Error);
}

TEST(Session, NamesTheFirstNodeThatIsNotFinite) {
  Graph graph;
  leaky_relu(leaky_relu(tanh(graph.input("x", {3})), 1e38), 1e38);
  Model model(graph);
  Session session(model, {});
  std::ranges::fill(session.input("x"), -1.0F);
  EXPECT_EQ(session.find_non_finite(), "leaky_relu_2");
  std::ranges::fill(session.input("x"), 1.0F);
  EXPECT_EQ(session.find_non_finite(), std::nullopt);
}

// Kernels that pack (3x3 by Winograd, 1x1 by matrix product, both with a batch norm folded in), one that does not.
Graph graph_with_every_packing() {
  Graph graph;
  const Scope scope = graph;
  Value x = graph.input("x", {24, 24, 3});
  x = conv(scope / "first", x, {.filters = 16, .kernel = 3, .padding = Padding(1)});
  x = relu(batch_norm(scope / "norm1",
                      conv(scope / "winograd", x, {.filters = 32, .kernel = 3, .padding = Padding(1), .bias = false})));
  x = relu(batch_norm(scope / "norm2", conv(scope / "gemm", x, {.filters = 32, .kernel = 1, .bias = false})));
  dense(scope / "dense", flatten(x), 64);  // 18432 channels: in place
  return graph;
}

TEST(Session, TakesAModelOverAndGivesTheSameBits) {
  Model model(graph_with_every_packing(), 7);
  Session session(model, {});
  Session owner(Model(model), {});
  for (Session* s : {&session, &owner}) {
    const std::span<float> x = s->input("x");
    for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i));
    s->forward();
  }
  EXPECT_TRUE(std::ranges::equal(session.output(), owner.output()));
  EXPECT_TRUE(owner.model().parameter("winograd.weight").empty());
  EXPECT_TRUE(owner.model().parameter("gemm.weight").empty());
  EXPECT_FALSE(owner.model().parameter("dense.weight").empty());
  EXPECT_FALSE(session.model().parameter("winograd.weight").empty());

  owner.forward();  // and again, after a move
  Session moved = std::move(owner);
  moved.forward();
  EXPECT_TRUE(std::ranges::equal(session.output(), moved.output()));
}

TEST(Session, TakesAModelOverForInferenceOnly) {
  const Model model(graph_with_every_packing());
  EXPECT_THROW(Session(Model(model), {.training = true}), Error);
  EXPECT_THROW(Session(Model(model), {.differentiate = "dense"}), Error);
  Session session(Model(model), {});
  EXPECT_THROW(session.parameters_changed(), Error);
  EXPECT_EQ(session.find_non_finite(), std::nullopt);
  session.input("x")[0] = std::nanf("");
  EXPECT_EQ(session.find_non_finite(), "x");
  // The specification reads every weight where it is.
  Session reference(Model(model), {.reference = true});
  EXPECT_FALSE(reference.model().parameter("winograd.weight").empty());
}

TEST(Session, NaNPassesThroughEveryActivation) {
  Graph graph;
  const Value x = graph.input("x", {17});
  const std::vector<std::string> names = {relu(x).name(), leaky_relu(x).name(), elu(x).name(), sigmoid(x).name(),
                                          tanh(x).name()};
  Model model(graph);
  Session session(model, {.keep = names});
  std::ranges::fill(session.input("x"), std::nanf(""));
  session.forward();
  for (const std::string& name : names) {
    for (const float y : session.activation(name)) EXPECT_TRUE(std::isnan(y)) << name;
  }
}

}  // namespace
}  // namespace fovea
