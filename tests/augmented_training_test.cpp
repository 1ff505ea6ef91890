#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "fovea/class_balance.h"
#include "fovea/graph.h"
#include "fovea/model.h"
#include "fovea/ops.h"
#include "fovea/run_folder.h"
#include "fovea/session.h"
#include "test_files.h"
#include "toy.h"

// Training with augmentation, mixing and balanced classes.
namespace fovea {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const auto train_set = toy_dataset(120, 2);

std::vector<float> weights_after(FitOptions options, const fs::path& folder = {}) {
  Model model = toy_model(1);
  options.run_folder = folder;
  fit(model, train_set, nullptr, options);
  std::vector<float> weights;
  for (const Tensor& parameter : model.parameters()) {
    weights.insert(weights.end(), parameter.values().begin(), parameter.values().end());
  }
  return weights;
}

FitOptions augmented_options() {
  FitOptions options = toy_options();
  options.epochs = 3;
  options.augmentation = Augmentation("pad 1, crop 8, flip, rotate 10, mixup 0.3, cutmix 1");
  options.balance = ClassBalance::sampling;
  options.loss.label_smoothing = 0.1;
  return options;
}

TEST(AugmentedTraining, IsTheSameForAnyNumberOfWorkersAndUnlikePlainTraining) {
  FitOptions options = augmented_options();
  options.workers = 0;
  const std::vector<float> expected = weights_after(options);
  for (const int workers : {1, 4}) {
    options.workers = workers;
    EXPECT_EQ(weights_after(options), expected);
  }
  options.augmentation = Augmentation();
  EXPECT_NE(weights_after(options), expected);
}

TEST(AugmentedTraining, IsRecordedAndResumesToTheBit) {
  const TempFolder folder;
  const FitOptions options = augmented_options();
  const std::vector<float> expected = weights_after(options);
  for (const int stop_after : {3, 10}) {
    const fs::path run = folder / std::to_string(stop_after);
    FitOptions stopped = options;
    std::atomic<bool> stop{false};
    int steps = 0;
    stopped.stop = &stop;
    stopped.on_progress = [&](const Progress&) { stop = ++steps == stop_after; };
    weights_after(stopped, run);
    const FitOptions saved = read_run_config(run);
    EXPECT_EQ(saved.augmentation.text(), options.augmentation.text());
    EXPECT_EQ(saved.balance, ClassBalance::sampling);
    Model model;
    resume(model, train_set, nullptr, saved);
    std::vector<float> weights;
    for (const Tensor& parameter : model.parameters()) {
      weights.insert(weights.end(), parameter.values().begin(), parameter.values().end());
    }
    EXPECT_EQ(weights, expected) << "stopped after step " << stop_after;
  }
}

TEST(AugmentedTraining, LearnsAMixedProblem) {
  FitOptions options = toy_options();
  options.augmentation = Augmentation("mixup 0.2");
  Model model = toy_model(1);
  const History history = fit(model, toy_dataset(300, 2), toy_dataset(100, 3), options);
  EXPECT_GT(history.best_top1, 0.9);
}

TEST(AugmentedTraining, MixingNeedsTheCrossEntropy) {
  FitOptions options = toy_options();
  options.loss.kind = Loss::Kind::hinge;
  options.augmentation = Augmentation("mixup");
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { weights_after(options); }), HasSubstr("need the cross-entropy"));
}

// Equal pictures of three classes, 10, 30 and 80 of them: what the network's bias learns is how much they count.
std::shared_ptr<const Dataset> uneven_set() {
  std::vector<Image> images(120, Image{2, 2, 1, {9, 9, 9, 9}});
  std::vector<int64_t> labels;
  for (int i = 0; i < 120; ++i) labels.push_back(i < 10 ? 0 : i < 40 ? 1 : 2);
  return make_dataset(std::move(images), std::move(labels), {"rare", "some", "many"});
}

std::vector<double> learned_shares(ClassBalance balance) {
  Graph graph;
  const Value x = graph.input("x", Shape{2, 2, 1});
  dense(Scope(graph) / "fc", flatten(x), 3);
  Model model(std::move(graph), 1, Initializer::he_normal);
  model.preprocessing = {.height = 2, .width = 2, .channels = 1, .padding = 0, .mean = {0}, .std = {1}};
  FitOptions options{.epochs = 60, .batch = 60};
  options.optimizer = Sgd{.lr = 0.5};
  options.schedule.kind = Schedule::Kind::cosine;  // what is drawn last should not count most
  options.balance = balance;
  const auto dataset = uneven_set();
  fit(model, dataset, nullptr, options);
  Session session(model, {.batch = 1});
  std::ranges::fill(session.input("x"), 9.0F / 255);
  session.forward();
  std::vector<double> shares(session.output().begin(), session.output().end());
  double sum = 0;
  for (double& share : shares) sum += share = std::exp(share);
  for (double& share : shares) share /= sum;
  return shares;
}

TEST(ClassBalance, WeightsAndSamplingMakeClassesCountTheSame) {
  const std::vector<double> plain = learned_shares(ClassBalance::none);
  EXPECT_NEAR(plain[0], 10.0 / 120, 0.03);
  EXPECT_NEAR(plain[2], 80.0 / 120, 0.06);
  for (const ClassBalance balance : {ClassBalance::weights, ClassBalance::sampling}) {
    for (const double share : learned_shares(balance)) EXPECT_NEAR(share, 1.0 / 3, 0.08);
  }
}

TEST(ClassBalance, CountsWeighsAndDraws) {
  const auto dataset = uneven_set();
  EXPECT_THAT(class_counts(*dataset), ::testing::ElementsAre(10, 30, 80));
  EXPECT_THAT(class_weights(*dataset), ::testing::ElementsAre(4, 120.0F / 90, 0.5F));
  std::vector<int> drawn(120);
  for (uint64_t epoch = 0; epoch < 50; ++epoch) {
    const auto order = balanced_order(*dataset, Random(1).substream(epoch));
    EXPECT_EQ(order, balanced_order(*dataset, Random(1).substream(epoch)));
    ASSERT_EQ(order.size(), 120U);
    for (const int64_t item : order) ++drawn[static_cast<size_t>(item)];
  }
  EXPECT_NEAR(std::accumulate(drawn.begin(), drawn.begin() + 10, 0), 2000, 130);
  for (size_t i = 0; i < 10; ++i) EXPECT_NEAR(drawn[i], 200, 25);
}

TEST(StratifiedSplit, HoldsOutTheSameShareOfEachClass) {
  const auto dataset = uneven_set();
  const auto [training, validation] = stratified_split(*dataset, 0.2, 3);
  EXPECT_THAT(class_counts(*subset(dataset, validation)), ::testing::ElementsAre(2, 6, 16));
  EXPECT_THAT(class_counts(*subset(dataset, training)), ::testing::ElementsAre(8, 24, 64));
  EXPECT_TRUE(std::is_sorted(validation.begin(), validation.end()));
  EXPECT_EQ(stratified_split(*dataset, 0.2, 3).second, validation);
  EXPECT_NE(stratified_split(*dataset, 0.2, 4).second, validation);
  EXPECT_TRUE(stratified_split(*dataset, 0, 3).second.empty());
}

TEST(StratifiedSplit, LeavesASinglePictureForTraining) {
  const auto dataset = make_dataset(std::vector<Image>(4, Image{1, 1, 1, {0}}), {0, 1, 1, 1}, {"one", "three"});
  const auto [training, validation] = stratified_split(*dataset, 0.01, 3);
  EXPECT_EQ(training.front(), 0);
  EXPECT_EQ(validation.size(), 1U);
  const auto single = subset(dataset, {0});
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { stratified_split(*single, 0.5, 1); }), HasSubstr("leaves 0 of 1"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { stratified_split(*single, 1, 1); }), HasSubstr("below 1"));
}

TEST(StratifiedFold, DealsEachClassEvenlyAndEveryItemOnce) {
  const auto dataset = uneven_set();  // 10, 30 and 80 pictures
  std::vector<int64_t> all;
  for (int64_t fold = 1; fold <= 7; ++fold) {
    const auto [others, own] = stratified_fold(*dataset, 7, fold, 5);
    EXPECT_THAT(class_counts(*subset(dataset, own)),
                ::testing::ElementsAre(::testing::AnyOf(1, 2), ::testing::AnyOf(4, 5), ::testing::AnyOf(11, 12)));
    EXPECT_THAT(own.size(), ::testing::AnyOf(17, 18));
    EXPECT_EQ(others.size() + own.size(), 120U);
    EXPECT_TRUE(std::ranges::is_sorted(others) && std::ranges::is_sorted(own));
    for (const int64_t item : own) EXPECT_FALSE(std::ranges::binary_search(others, item));
    all.insert(all.end(), own.begin(), own.end());
  }
  std::ranges::sort(all);
  for (int64_t i = 0; i < 120; ++i) EXPECT_EQ(all[static_cast<size_t>(i)], i);
  EXPECT_NE(stratified_fold(*dataset, 5, 1, 1).second, stratified_fold(*dataset, 5, 1, 2).second);
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { stratified_fold(*dataset, 1, 1, 0); }), HasSubstr("2 to 120 folds"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { stratified_fold(*dataset, 3, 4, 0); }), HasSubstr("fold 4 of 3"));
}

}  // namespace
}  // namespace fovea
