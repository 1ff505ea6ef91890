#include "fovea/features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "fovea/assessment.h"
#include "fovea/session.h"
#include "test_files.h"
#include "toy.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<int64_t> labels_of(const Dataset& data) {
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < data.size(); ++i) labels.push_back(data.label(i));
  return labels;
}

TEST(Features, AreTheActivationsOfALayer) {
  Model model = toy_model(1);
  const auto data = toy_dataset(10, 3);
  EXPECT_EQ(feature_layer(model.graph()), "dropout");
  const Tensor features = extract_features(model, data, {.batch = 4});
  EXPECT_EQ(features.shape(), (Shape{10, 6 * 4 * 4}));

  // What the dense layer makes of them is what the network says.
  const Tensor probabilities = evaluate(model, data, {.probabilities = true}).probabilities;
  const Tensor& weight = model.parameter("fc.weight");
  const Tensor& bias = model.parameter("fc.bias");
  for (int64_t i = 0; i < 10; ++i) {
    std::vector<double> logits;
    for (int64_t k = 0; k < 3; ++k) {
      logits.push_back(bias[k]);
      for (int64_t f = 0; f < 96; ++f) logits.back() += weight[k * 96 + f] * features[i * 96 + f];
    }
    double sum = 0;
    for (const double logit : logits) sum += std::exp(logit);
    for (int64_t k = 0; k < 3; ++k) {
      EXPECT_NEAR(std::exp(logits[static_cast<size_t>(k)]) / sum, probabilities[i * 3 + k], 1e-5);
    }
  }
}

TEST(Features, OfMapsAreMeansOverPositions) {
  Model model = toy_model(1);
  const auto data = toy_dataset(3, 3);
  const Tensor features = extract_features(model, data, {.layer = "relu"});
  EXPECT_EQ(features.shape(), (Shape{3, 6}));
  Session session(model, {.keep = {"relu"}});
  Image image;
  data->read(2, image);
  std::ranges::copy(preprocess(image, model.preprocessing).values(), session.input("input").begin());
  session.forward();
  const std::span<const float> map = session.activation("relu");
  for (size_t c = 0; c < 6; ++c) {
    double sum = 0;
    for (size_t p = 0; p < 64; ++p) sum += map[p * 6 + c];
    EXPECT_NEAR(features[static_cast<int64_t>(12 + c)], sum / 64, 1e-6);
  }
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { extract_features(model, data, {.layer = "rleu"}); }), HasSubstr("relu"));
  error_of(ErrorKind::usage, [&] { extract_features(model, data, {.batch = 0}); });
}

Tensor rows(std::initializer_list<float> values, int64_t length) {
  return Tensor({static_cast<int64_t>(values.size()) / length, length}, std::vector<float>(values));
}

TEST(Neighbours, AreOrderedByTheirAngle) {
  const Tensor items = rows({1, 0, /**/ 3, 4, /**/ 0, -2, /**/ 0, 0, /**/ 5, 0}, 2);
  const auto found = nearest_neighbours(items, rows({2, 0, 0, 7}, 2), 9);
  std::vector<int64_t> order;
  for (const Neighbour& neighbour : found[0]) order.push_back(neighbour.item);
  EXPECT_THAT(order, ElementsAre(0, 4, 1, 2, 3));  // 0 and 4 at 1, 2 and 3 at 0: the smaller index first
  EXPECT_NEAR(found[0][2].similarity, 0.6, 1e-6);
  EXPECT_EQ(found[1][0].item, 1);
  EXPECT_NEAR(found[1][4].similarity, -1, 1e-6);
  EXPECT_EQ(nearest_neighbours(items, items, 2)[1].size(), 2U);
  error_of(ErrorKind::usage, [&] { nearest_neighbours(items, rows({1, 2, 3}, 3), 1); });
  error_of(ErrorKind::usage, [&] { nearest_neighbours(items, items, 0); });
}

TEST(Neighbours, VoteAndTheNearestDecidesTies) {
  const std::vector<int64_t> labels = {7, 8, 8, 9};
  using Found = std::vector<Neighbour>;
  EXPECT_EQ(vote(Found{{0}, {1}, {2}}, labels), 8);
  EXPECT_EQ(vote(Found{{3}, {1}, {0}}, labels), 9);
}

TEST(LinearClassifier, FindsThePlaneBetweenTwoClasses) {
  // Class 1 where x0 - 3 x1 > 100, on features of very different sizes.
  Tensor features(Shape{60, 2});
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < 60; ++i) {
    const auto x0 = static_cast<float>(i * 37 % 200);
    const auto x1 = static_cast<float>(i * 11 % 13) / 10;
    features[2 * i] = x0;
    features[2 * i + 1] = x1;
    labels.push_back(x0 - 3 * x1 > 100 ? 1 : 0);
  }
  Model linear = fit_linear(features, labels, 2, {.epochs = 300, .weight_decay = 0});
  EXPECT_GE(assess(classify(linear, features), labels, {"a", "b"}).scores.top1, 0.98);
  const Model again = fit_linear(features, labels, 2, {.epochs = 300, .weight_decay = 0});
  EXPECT_EQ(again.parameters()[0][1], linear.parameters()[0][1]);
  error_of(ErrorKind::usage, [&] { fit_linear(features, labels, 1); });
  error_of(ErrorKind::usage, [&] { fit_linear(features, std::vector<int64_t>{0}, 2); });
}

TEST(LinearClassifier, SolvesTheToyOnTheFeaturesOfATrainedNetwork) {
  Model model = toy_model(1);
  const auto train = toy_dataset(120, 1);
  const auto test = toy_dataset(60, 2);
  FitOptions options = toy_options();
  fit(model, train, nullptr, options);
  const Tensor features = extract_features(model, train);
  const Tensor unseen = extract_features(model, test);
  Model linear = fit_linear(features, labels_of(*train), 3);
  EXPECT_GE(assess(classify(linear, unseen), labels_of(*test), test->class_names()).scores.top1, 0.95);
  int64_t right = 0;
  const auto found = nearest_neighbours(features, unseen, 5);
  for (size_t i = 0; i < found.size(); ++i) right += vote(found[i], labels_of(*train)) == labels_of(*test)[i] ? 1 : 0;
  EXPECT_GE(right, 57);
}

TEST(Pictures, AreFoundInFoldersBelow) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "b/c");
  std::filesystem::create_directories(folder / ".hidden");
  const Image image{1, 2, 1, {1, 2}};
  write_png(folder / "b/c/x.PNG", image);
  write_png(folder / "a.png", image);
  write_png(folder / ".hidden/y.png", image);
  write_text(folder / "b/bad.jpg", "no picture");
  write_text(folder / "b/notes.txt", "no picture");
  const auto pictures = open_pictures(folder.path());
  ASSERT_EQ(pictures->size(), 2);
  EXPECT_THAT(pictures->item_name(0), testing::EndsWith("a.png"));
  EXPECT_THAT(pictures->item_name(1), testing::EndsWith("b/c/x.PNG"));
  ASSERT_EQ(pictures->warnings().size(), 1U);
  EXPECT_THAT(pictures->warnings()[0], HasSubstr("bad.jpg"));
  error_of(ErrorKind::data, [&] { open_pictures(folder / ".hidden/none"); });
  error_of(ErrorKind::data, [&] { open_pictures(folder / "b/c/x.PNG"); });
}

}  // namespace
}  // namespace fovea
