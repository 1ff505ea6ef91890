// Networks with several outputs: what training minimises, what is saved, what inference leaves out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "fovea/model_file.h"
#include "fovea/ops.h"
#include "fovea/session.h"
#include "fovea/train.h"
#include "io/graph_json.h"
#include "test_files.h"
#include "toy.h"
#include "train/training_loss.h"

namespace fovea {
namespace {

using testing::HasSubstr;

// The toy network with another classifier behind its convolution, in part.
Model two_headed(double weight, int64_t auxiliary_classes = 3) {
  Graph graph = toy_model(1).graph();
  const Value main = graph.output();
  const Value aux = dense(Scope(graph) / "aux", global_avg_pool(graph.value("relu")), 1);
  const Value head = dense(Scope(graph) / "aux_fc", flatten(aux), auxiliary_classes);
  graph.set_output(main);
  graph.add_auxiliary_output(head, weight);
  Model model(std::move(graph), 1);
  model.preprocessing = toy_model(1).preprocessing;
  model.class_names = toy_model(1).class_names;
  return model;
}

// Loss of one batch of random pictures with dropout's numbers of step 0.
float loss_of(Model& model, const Graph& graph, const std::string& labels, const std::string& loss) {
  Session session(model, graph, {.batch = 4, .training = true, .differentiate = loss, .keep = {loss}});
  const Random random(5);
  const std::span<float> input = session.input("input");
  for (size_t i = 0; i < input.size(); ++i) input[i] = random.normal(i);
  for (size_t i = 0; i < 4; ++i) session.input(labels)[i] = static_cast<float>(i % 3);
  session.forward();
  return session.activation(loss)[0];
}

TEST(AuxiliaryOutputs, LossIsTheWeightedSum) {
  Model model = two_headed(0.3);
  const auto total = add_training_loss(model.graph(), {});
  // By hand: each head's own loss.
  Graph by_hand = model.graph();
  const Value labels = by_hand.input("labels", Shape{});
  const std::string first = cross_entropy(by_hand.value("fc"), labels).name();
  const std::string second = cross_entropy(by_hand.value("aux_fc"), labels).name();
  const float a = loss_of(model, by_hand, "labels", first);
  const float b = loss_of(model, by_hand, "labels", second);
  EXPECT_GT(b, 0.1F);
  EXPECT_NEAR(loss_of(model, total.graph, total.labels, total.loss), a + 0.3F * b, 1e-5F);
}

TEST(AuxiliaryOutputs, AreTrained) {
  Model model = two_headed(0.3);
  const std::vector<float> before(model.parameter("aux_fc.weight").values().begin(),
                                  model.parameter("aux_fc.weight").values().end());
  const History history = fit(model, toy_dataset(200, 2), toy_dataset(100, 3), toy_options());
  EXPECT_GE(history.best_top1, 0.99);
  EXPECT_FALSE(std::ranges::equal(before, model.parameter("aux_fc.weight").values()));
}

TEST(AuxiliaryOutputs, EvaluationLooksAtTheFirst) {
  Model model = two_headed(0.3);
  const auto data = toy_dataset(30, 2);
  const double before = evaluate(model, data).scores.loss;
  for (float& weight : model.parameter("aux_fc.weight").values()) weight = NAN;
  EXPECT_EQ(evaluate(model, data).scores.loss, before);
}

TEST(AuxiliaryOutputs, InferenceLeavesThemOut) {
  Model model = two_headed(0.3);
  Session session(model, {.batch = 1});
  for (const NodeProfile& node : session.profile()) EXPECT_THAT(node.node, testing::Not(HasSubstr("aux")));
}

TEST(AuxiliaryOutputs, AreSaved) {
  const TempFolder folder;
  save_model(two_headed(0.25), folder / "m.safetensors");
  const Model loaded = load_model(folder / "m.safetensors");
  ASSERT_EQ(loaded.graph().auxiliary_outputs().size(), 1U);
  EXPECT_EQ(loaded.graph().node(loaded.graph().auxiliary_outputs()[0].node).name, "aux_fc");
  EXPECT_EQ(loaded.graph().auxiliary_outputs()[0].weight, 0.25);
  EXPECT_FALSE(graph_to_json(toy_model(1).graph()).contains("auxiliary"));

  nlohmann::json graph = graph_to_json(loaded.graph());
  graph["auxiliary"][0]["output"] = "nowhere";
  EXPECT_THAT(error_of(ErrorKind::format, [&] { graph_from_json(graph, "test"); }), HasSubstr("auxiliary"));
}

TEST(AuxiliaryOutputs, MustTellTheSameClassesApart) {
  Model model = two_headed(0.3, 4);
  EXPECT_THAT(error_of(ErrorKind::format, [&] { fit(model, toy_dataset(30, 2), nullptr, toy_options()); }),
              HasSubstr("auxiliary output 'aux_fc' gives 4, the output 'fc' 3"));
  Graph graph = toy_model(1).graph();
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { graph.add_auxiliary_output(graph.output(), NAN); }),
              HasSubstr("'fc': the weight must be finite"));
}

TEST(Loss, HingeLearnsTheToyProblem) {
  Model model = toy_model(1);
  FitOptions options = toy_options();
  options.loss.kind = Loss::Kind::hinge;
  EXPECT_GE(fit(model, toy_dataset(200, 2), toy_dataset(100, 3), options).best_top1, 0.99);
}

TEST(Loss, SmoothedLabelsKeepTheLossUp) {
  FitOptions options = toy_options();
  options.epochs = 8;
  Model sharp = toy_model(1);
  Model smooth = toy_model(1);
  const double plain = fit(sharp, toy_dataset(200, 2), nullptr, options).epochs.back().train_loss;
  options.loss.label_smoothing = 0.3;
  const double smoothed = fit(smooth, toy_dataset(200, 2), nullptr, options).epochs.back().train_loss;
  // The entropy of (0.8, 0.1, 0.1) is as low as it gets.
  EXPECT_LT(plain, 0.3);
  EXPECT_GT(smoothed, 0.639);
}

TEST(Loss, RefusesNonsense) {
  const Graph graph = toy_model(1).graph();
  const auto refusal = [&](const Loss& loss) {
    return error_of(ErrorKind::usage, [&] { add_training_loss(graph, loss); });
  };
  EXPECT_THAT(refusal({.label_smoothing = 1.5}), HasSubstr("between 0 and 1, got 1.5"));
  EXPECT_THAT(refusal({.label_smoothing = NAN}), HasSubstr("between 0 and 1, got nan"));
  EXPECT_THAT(refusal({.kind = Loss::Kind::hinge, .label_smoothing = 0.1}), HasSubstr("cross-entropy only, got 0.1"));
}

}  // namespace
}  // namespace fovea
