#include "fovea/assessment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "fovea/error.h"
#include "test_files.h"
#include "toy.h"

namespace fovea {
namespace {

using testing::HasSubstr;

struct Golden {
  nlohmann::json values = nlohmann::json::parse(std::ifstream(FOVEA_TEST_DIR "/golden/metrics.json"));
  std::vector<int64_t> labels = values["labels"];
  Tensor probabilities{Shape{std::ssize(labels), 5}};
  std::vector<std::string> names = {"a", "b", "c", "d", "e"};

  Golden() {
    int64_t i = 0;
    for (const auto& row : values["probabilities"]) {
      for (const auto& value : row) probabilities[i++] = value;
    }
  }
};

void expect_near(double value, const nlohmann::json& golden, const std::string& what) {
  if (golden.is_null()) {
    EXPECT_TRUE(std::isnan(value)) << what;
  } else {
    EXPECT_NEAR(value, golden.get<double>(), 1e-12) << what;
  }
}

TEST(Assessment, EqualsNumPy) {
  const Golden golden;
  const nlohmann::json& expected = golden.values;
  const Assessment result = assess(golden.probabilities, golden.labels, golden.names);
  EXPECT_NEAR(result.scores.loss, expected["loss"], 1e-12);
  EXPECT_EQ(result.top, expected["top"].get<std::vector<double>>());
  EXPECT_EQ(result.scores.top1, result.top[0]);
  EXPECT_EQ(result.scores.top5, 1);
  for (size_t k = 0; k < 5; ++k) {
    const ClassScores& scores = result.classes[k];
    const auto& row = expected["classes"][k];
    EXPECT_EQ(scores.items, row["items"]);
    expect_near(scores.precision, row["precision"], "precision of " + golden.names[k]);
    expect_near(scores.recall, row["recall"], "recall of " + golden.names[k]);
    expect_near(scores.f1, row["f1"], "F1 of " + golden.names[k]);
    expect_near(scores.auc, row["auc"], "AUC of " + golden.names[k]);
  }
  expect_near(result.mean.precision, expected["mean"]["precision"], "mean precision");
  expect_near(result.mean.recall, expected["mean"]["recall"], "mean recall");
  expect_near(result.mean.f1, expected["mean"]["f1"], "mean F1");
  expect_near(result.mean.auc, expected["mean"]["auc"], "mean AUC");
  EXPECT_NEAR(result.calibration.expected_error, expected["ece"], 1e-12);
  EXPECT_NEAR(result.calibration.largest_error, expected["mce"], 1e-12);
  for (size_t i = 0; i < 15; ++i) EXPECT_EQ(result.calibration.bins[i].count, expected["bins"][i]) << i;
  std::vector<int64_t> mistakes;
  for (const Mistake& mistake : result.mistakes) mistakes.push_back(mistake.item);
  EXPECT_EQ(mistakes, expected["mistakes"].get<std::vector<int64_t>>());
}

TEST(Assessment, RefusesWhatDoesNotFit) {
  Golden golden;
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { assess(golden.probabilities, golden.labels, {"a"}); }),
              HasSubstr("60x1 expected"));
  golden.labels[3] = 5;
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { assess(golden.probabilities, golden.labels, golden.names); }),
              HasSubstr("label 5"));
  error_of(ErrorKind::usage, [&] { assess(std::span<Model>(), toy_dataset(8, 1)); });
  error_of(ErrorKind::usage, [] { calibrate(std::vector<float>{0.5F}, {true}, 0); });
  error_of(ErrorKind::usage, [] { roc_auc(std::vector<float>{0.5F}, {true, false}); });
}

TEST(RocAuc, CountsPairs) {
  const std::vector<float> scores = {0.1F, 0.4F, 0.35F, 0.8F};
  EXPECT_DOUBLE_EQ(roc_auc(scores, {false, false, true, true}), 0.75);
  EXPECT_DOUBLE_EQ(roc_auc(std::vector<float>(4, 0.5F), {false, false, true, true}), 0.5);
  EXPECT_TRUE(std::isnan(roc_auc(scores, {true, true, true, true})));
}

TEST(Calibration, OfAnHonestAndABoastfulClassifier) {
  std::vector<float> confidence(10, 0.8F);
  std::vector<bool> right(10, true);
  right[0] = right[1] = false;
  EXPECT_NEAR(calibrate(confidence, right).expected_error, 0, 1e-7);
  confidence.assign(10, 1.0F);  // the upper edge belongs to the last bin
  const Calibration boastful = calibrate(confidence, right, 10);
  EXPECT_NEAR(boastful.expected_error, 0.2, 1e-12);
  EXPECT_EQ(boastful.bins.back().count, 10);
}

TEST(Assessment, OfOneModelAgreesWithItsEvaluation) {
  std::vector<Model> models(1, toy_model(3));
  const auto data = toy_dataset(50, 7);
  const Evaluation evaluation = evaluate(models[0], data);
  const Assessment assessment = assess(models, data);
  EXPECT_EQ(assessment.scores.loss, evaluation.scores.loss);
  EXPECT_EQ(assessment.scores.top1, evaluation.scores.top1);
  EXPECT_EQ(assessment.confusion.to_csv(), evaluation.confusion.to_csv());
  EXPECT_EQ(evaluation.probabilities.size(), 0);
}

TEST(Assessment, OfAnEnsembleAveragesProbabilities) {
  std::vector<Model> models = {toy_model(1), toy_model(2), toy_model(3)};
  const auto data = toy_dataset(20, 7);
  Tensor mean(Shape{20, 3});
  for (Model& model : models) {
    const Tensor probabilities = evaluate(model, data, {.probabilities = true}).probabilities;
    for (int64_t i = 0; i < mean.size(); ++i) mean[i] += probabilities[i] / 3;
  }
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < 20; ++i) labels.push_back(data->label(i));
  EXPECT_NEAR(assess(models, data).scores.loss, assess(mean, labels, data->class_names()).scores.loss, 1e-6);
  // A model beside itself changes nothing.
  std::vector<Model> twice = {toy_model(1), toy_model(1)};
  EXPECT_NEAR(assess(twice, data).scores.loss, assess(std::span(models).first(1), data).scores.loss, 1e-6);
}

}  // namespace
}  // namespace fovea
