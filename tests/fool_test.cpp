#include "fovea/fool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>

#include "explain/picture_network.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/ops.h"
#include "fovea/parallel.h"
#include "fovea/predict.h"
#include "fovea/zoo.h"
#include "program.h"
#include "toy.h"

namespace fovea {
namespace {

using ::testing::HasSubstr;

Model trained_toy() {
  static const Model trained = [] {
    Model model = toy_model(7);
    fit(model, toy_dataset(240, 1), nullptr, toy_options());
    return model;
  }();
  return trained;
}

Image toy_picture(int64_t item) {
  Image image;
  toy_dataset(12, 9)->read(item, image);
  return image;
}

// One dense layer: score k is a template's product with the picture.
Model linear_model() {
  Graph graph;
  const Value x = graph.input("input", {4, 4, 3});
  dense(Scope(graph) / "fc", flatten(x), 3);
  Model model(std::move(graph), 5);
  model.preprocessing = {
      .height = 4, .width = 4, .channels = 3, .mean = {0.5F, 0.4F, 0.3F}, .std = {0.5F, 0.25F, 0.2F}};
  return model;
}

TEST(PictureNetwork, GradientsByPixelsAreThoseOfFiniteDifferences) {
  // Batch norm, residual sums, padding around the picture.
  Model model = zoo::create("resnet20_a", {.input = {20, 20, 3}, .classes = 5}, 4);
  model.preprocessing = {
      .height = 20, .width = 20, .channels = 3, .padding = 2, .mean = {0.5F, 0.4F, 0.3F}, .std = {0.5F, 0.25F, 0.2F}};
  PictureClassifier network(model);
  EXPECT_EQ(network.space().shape(), Shape({16, 16, 3}));
  const Random random(7);
  std::vector<float> x(16 * 16 * 3);
  for (size_t i = 0; i < x.size(); ++i) x[i] = random.uniform(i);
  std::vector<float> gradient(x.size());
  std::vector<float> ignored(x.size());
  const double loss = network.loss(x, 2, gradient);
  EXPECT_NEAR(loss, -std::log(network.probabilities(x)[2]), 1e-4);
  // Along the gradient of a random third of the samples: the slope is that part's length. (Of single samples the kinks
  // of ReLUs are too large a part.)
  for (uint64_t part = 0; part < 5; ++part) {
    std::vector<float> direction = gradient;
    double squares = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      if (random.substream(part).below(i, 3) != 0) direction[i] = 0;
      squares += static_cast<double>(direction[i]) * direction[i];
    }
    const double length = std::sqrt(squares);
    constexpr double h = 1e-3;
    const auto loss_at = [&](double distance) {
      std::vector<float> there = x;
      for (size_t i = 0; i < x.size(); ++i) there[i] += static_cast<float>(distance / length) * direction[i];
      return network.loss(there, 2, ignored);
    };
    EXPECT_NEAR((loss_at(h) - loss_at(-h)) / (2 * h), length, 0.01 * length) << part;
  }
}

TEST(PictureNetwork, SumsTheGradientsOfSeveralNodes) {
  Model model = trained_toy();
  const Image image = toy_picture(0);
  const auto gradient = [&](const std::vector<std::string>& nodes, float first, float second) {
    PictureNetwork network(model, nodes);
    network.forward(network.space().pixels(image));
    network.seed(0)[1] = first;
    if (nodes.size() > 1) network.seed(1)[10] = second;
    std::vector<float> result(64);
    network.backward(result);
    return result;
  };
  const auto a = gradient({"fc"}, 2, 0);
  const auto b = gradient({"fc", "conv"}, 0, 3);
  const auto both = gradient({"fc", "conv"}, 2, 3);
  for (size_t i = 0; i < 64; ++i) EXPECT_NEAR(both[i], a[i] + b[i], 1e-4);
}

TEST(PictureNetwork, TakesPicturesOfAnotherSizeUpToTheDenseLayer) {
  Model model = trained_toy();
  const PictureNetwork network(model, {"conv"}, 20, 12);
  EXPECT_EQ(network.shape(0), Shape({1, 20, 12, 6}));
  EXPECT_THAT(error_of(ErrorKind::format, [&] { PictureNetwork(model, {"fc"}, 20, 12); }),
              HasSubstr("'fc' (dense) does not take pictures of 20x12"));
}

class EveryAttack : public ::testing::TestWithParam<Attack> {};

TEST_P(EveryAttack, FoolsWithAPictureOf8Bits) {
  Model model = trained_toy();
  Fooler fooler(model);
  Predictor predictor(trained_toy());
  const bool limited = GetParam() == Attack::fgsm || GetParam() == Attack::iterative || GetParam() == Attack::pgd;
  int64_t successes = 0;
  for (int64_t item = 0; item < 6; ++item) {
    const Image image = toy_picture(item);
    const Fooling result = fooler(
        image, {.attack = GetParam(), .epsilon = 48.0 / 255, .steps = 30, .pixels = 8, .population = 32}, item % 3);
    EXPECT_EQ(result.guess_before, item % 3);
    EXPECT_EQ(result.original, image);
    // What is told is true of the picture, by other code.
    EXPECT_EQ(predictor(result.picture, 1)[0].class_index, result.guess);
    EXPECT_NEAR(predictor(result.picture, 1)[0].probability, result.confidence, 1e-4);
    EXPECT_EQ(result.success, result.guess != item % 3);
    double largest = 0, squares = 0;
    for (size_t i = 0; i < image.pixels.size(); ++i) {
      const double change = (result.picture.pixels[i] - image.pixels[i]) / 255.0;
      largest = std::max(largest, std::abs(change));
      squares += change * change;
    }
    EXPECT_DOUBLE_EQ(result.largest, largest);
    EXPECT_DOUBLE_EQ(result.length, std::sqrt(squares));
    if (limited) {
      EXPECT_LE(largest, 48.0 / 255 + 1e-12);
    }
    if (GetParam() == Attack::pixels) {
      EXPECT_LE(result.changed, 8);
    }
    successes += static_cast<int64_t>(result.success);
  }
  // Those that look once, or at a few pixels, may fail.
  const bool thorough = GetParam() == Attack::iterative || GetParam() == Attack::pgd || GetParam() == Attack::lbfgs;
  EXPECT_GE(successes, thorough ? 6 : 3);
}

TEST_P(EveryAttack, ReachesATargetAndIsTheSameForAnyNumberOfThreads) {
  Model model = trained_toy();
  const auto attack = [&](int threads) {
    const int before = thread_count();
    set_thread_count(threads);
    Fooling result = Fooler(model)(toy_picture(1), {.attack = GetParam(),
                                                    .epsilon = 96.0 / 255,
                                                    .target = 2,
                                                    .steps = 40,
                                                    .pixels = 24,
                                                    .population = 48,
                                                    .seed = 6});
    set_thread_count(before);
    return result;
  };
  const Fooling result = attack(1);
  EXPECT_EQ(result.guess, 2);
  EXPECT_TRUE(result.success);
  EXPECT_EQ(result.picture, attack(3).picture);
}

INSTANTIATE_TEST_SUITE_P(Fool, EveryAttack,
                         ::testing::Values(Attack::fgsm, Attack::iterative, Attack::pgd, Attack::lbfgs, Attack::linear,
                                           Attack::pixels),
                         [](const auto& test) { return std::string(name_of(test.param)); });

TEST(Fool, LeavesAPictureAloneThatIsWrongAlready) {
  Model model = trained_toy();
  const Fooling result = Fooler(model)(toy_picture(0), {}, 1);
  EXPECT_TRUE(result.success);
  EXPECT_EQ(result.picture, result.original);
  EXPECT_EQ(result.changed, 0);
}

// For a linear classifier the way to the border is known: (s_y - s_t) / |difference of the templates in pixels|.
TEST(Fool, LinearTakesTheShortestWayThroughALinearClassifier) {
  Model model = linear_model();
  Image image{4, 4, 3, std::vector<uint8_t>(48, 128)};
  PictureClassifier network(model);
  const std::vector<float> x = network.space().pixels(image);
  const std::span<const float> scores = network.logits(x);
  const std::vector<float> s(scores.begin(), scores.end());
  const Fooling result = Fooler(model)(image, {.attack = Attack::linear});
  ASSERT_TRUE(result.success);
  const Tensor& weight = model.parameter("fc.weight");  // {3, C H W}
  double squares = 0;
  for (int64_t i = 0; i < 48; ++i) {
    const double difference = static_cast<double>(weight[result.guess * 48 + i]) - weight[result.label * 48 + i];
    const double in_pixels = difference / model.preprocessing.std[static_cast<size_t>(i / 16)];
    squares += in_pixels * in_pixels;
  }
  const double gap = s[static_cast<size_t>(result.label)] - s[static_cast<size_t>(result.guess)];
  EXPECT_NEAR(result.length, gap / std::sqrt(squares), 0.03 + 0.05 * result.length);
  // L-BFGS finds the same way.
  const Fooling found = Fooler(model)(image, {.attack = Attack::lbfgs, .target = result.guess, .steps = 50});
  ASSERT_TRUE(found.success);
  EXPECT_NEAR(found.length, result.length, 0.2 * result.length + 0.03);
}

TEST(Fool, AccuracyFallsAsEpsilonGrows) {
  Model model = trained_toy();
  const auto dataset = toy_dataset(30, 5);
  const std::vector<double> epsilons = {8.0 / 255, 24.0 / 255, 64.0 / 255};
  const auto curve = measure_robustness(model, *dataset, {.attack = Attack::fgsm}, epsilons);
  ASSERT_EQ(curve.size(), 4U);
  EXPECT_DOUBLE_EQ(curve[0].accuracy, evaluate(model, dataset).scores.top1);
  for (size_t i = 1; i < curve.size(); ++i) {
    EXPECT_DOUBLE_EQ(curve[i].epsilon, epsilons[i - 1]);
    EXPECT_LE(curve[i].accuracy, curve[i - 1].accuracy);
  }
  EXPECT_LT(curve[3].accuracy, 0.2);
  error_of(ErrorKind::usage, [&] { measure_robustness(model, *dataset, {}, {0.2, 0.1}); });
  error_of(ErrorKind::usage, [&] { measure_robustness(model, *dataset, {}, {0.001}); });
  error_of(ErrorKind::usage, [&] { measure_robustness(model, *dataset, {.attack = Attack::lbfgs}, epsilons); });
}

TEST(Fool, OneChangeFoolsManyPictures) {
  Model model = trained_toy();
  const auto dataset = toy_dataset(30, 5);
  const Universal result = universal_perturbation(model, *dataset, {.epsilon = 64.0 / 255});
  EXPECT_EQ(result.change.shape(), Shape({8, 8, 1}));
  for (const float value : result.change.values()) {
    EXPECT_LE(std::abs(value), 64.0F / 255 + 1e-6F);
    EXPECT_NEAR(value * 255, std::round(value * 255), 1e-4);
  }
  Predictor predictor(trained_toy());
  Image image;
  int64_t changed = 0;
  for (int64_t item = 0; item < dataset->size(); ++item) {
    dataset->read(item, image);
    const int64_t before = predictor(image, 1)[0].class_index;
    changed += static_cast<int64_t>(predictor(perturbed(model, image, result.change), 1)[0].class_index != before);
  }
  EXPECT_DOUBLE_EQ(result.fooled, static_cast<double>(changed) / 30);
  EXPECT_GE(changed, 10);  // a third: those of one class at least
}

TEST(Fool, EvolvesAPictureFromNothing) {
  Model model = trained_toy();
  const Evolved result = evolve_fooling_image(model, {.target = 1, .generations = 200, .offspring = 8});
  EXPECT_GE(result.confidence, 0.99);
  Predictor predictor(trained_toy());
  EXPECT_EQ(predictor(result.picture, 1)[0].class_index, 1);
  EXPECT_NEAR(predictor(result.picture, 1)[0].probability, result.confidence, 1e-4);
  EXPECT_EQ(evolve_fooling_image(model, {.target = 1, .generations = 200, .offspring = 8}).picture, result.picture);
}

TEST(Fool, RefusesWhatMakesNoSense) {
  Model model = trained_toy();
  Fooler fooler(model);
  const Image image = toy_picture(0);
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { fooler(image, {.epsilon = 0.001}); }), HasSubstr("1/255"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { fooler(image, {.target = 3}); }), HasSubstr("class 3"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { fooler(image, {}, -1); }), HasSubstr("class -1"));
  error_of(ErrorKind::usage, [&] { fooler(image, {.epsilon = 2}); });
  error_of(ErrorKind::usage, [&] { fooler(image, {.steps = 0}); });
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { attack_from_name("fgms"); }), HasSubstr("did you mean 'fgsm'"));
  Model bare = zoo::create("lenet5");
  EXPECT_THAT(error_of(ErrorKind::format, [&] { Fooler other(bare); }), HasSubstr("no preprocessing"));
}

TEST(FoolProgram, WritesPicturesThatPredictAgreesOn) {
  const TempFolder folder;
  save_model(trained_toy(), folder / "toy.safetensors");
  write_png(folder / "a.png", toy_picture(0));
  const ProgramResult result = run_program(folder.path(), {"fool", "toy.safetensors", "a.png", "--method", "pgd,linear",
                                                           "--eps", "64/255", "--target", "vertical", "--out", "out"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("vertical"));
  for (const char* name : {"a-pgd.png", "a-linear.png"}) {
    const ProgramResult guess =
        run_program(folder.path(), {"predict", "toy.safetensors", std::string("out/") + name, "--top", "1"});
    EXPECT_THAT(guess.out, HasSubstr("vertical")) << guess.err;
  }
  EXPECT_TRUE(std::filesystem::exists(folder / "out/a-pgd-change.png"));
  const ProgramResult wrong = run_program(folder.path(), {"fool", "toy.safetensors", "a.png", "--target", "vertikal"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean 'vertical'"));
}

// SqueezeNet with ImageNet's weights; all 150 pictures are in tests/long/fool.sh.
TEST(FoolSqueezeNet, FlipsPhotographs) {
  const std::filesystem::path data = test_data() / "imagenet";
  const std::filesystem::path file = data / "squeezenet1_1_torchvision.onnx";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no file " << file << ": set FOVEA_TEST_DATA";
  Model model = load_model(file);
  model.preprocessing = {
      .height = 224, .width = 224, .channels = 3, .mean = {0.485F, 0.456F, 0.406F}, .std = {0.229F, 0.224F, 0.225F}};
  Fooler fooler(model);
  std::ifstream list(data / "val150.csv");
  std::string line;
  std::getline(list, line);
  int recognised = 0;
  while (recognised < 2 && std::getline(list, line)) {
    const size_t comma = line.find(',');
    const Image image = read_image(data / "val150" / line.substr(0, comma));
    const int64_t label = std::stoll(line.substr(comma + 1));
    for (const Attack attack : {Attack::fgsm, Attack::pgd, Attack::lbfgs}) {
      const Fooling result = fooler(image, {.attack = attack, .steps = 10}, label);
      if (result.guess_before != label) break;
      recognised += static_cast<int>(attack == Attack::fgsm);
      EXPECT_TRUE(result.success) << line << " " << name_of(attack);
      if (attack != Attack::lbfgs) {
        EXPECT_LE(result.largest, 4.0 / 255 + 1e-9);
      }
      EXPECT_LT(result.length, 6);
    }
  }
  EXPECT_EQ(recognised, 2);
}

}  // namespace
}  // namespace fovea
