#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "fovea/ops.h"
#include "fovea/optim.h"
#include "fovea/random.h"
#include "fovea/segment.h"
#include "fovea/session.h"
#include "fovea/zoo.h"

// Networks that torchvision lacks learn four pictures by heart. Larger networks run with FOVEA_OVERFIT=all, in
// ./dev check-long.
namespace fovea {
namespace {

enum class When { always, if_asked };

struct Case {
  std::string name;
  int64_t extent;  // of the pictures; just large enough for the network
  When when = When::always;
  double learning_rate = 0.01;
  double width = 1;
  int steps = 60;
  uint64_t seed = 1;  // another where the ReLU over the logits shut a class out for good
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

constexpr int64_t batch = 4;

// Noise over waves, of another length in each picture.
void draw_pictures(int64_t extent, std::span<float> pixels) {
  const Random random(5);
  for (size_t i = 0; i < pixels.size(); ++i) {
    const auto place = static_cast<int64_t>(i) / 3;
    const int64_t picture = place / (extent * extent);
    const double along = static_cast<double>(place % extent + place / extent % extent) / static_cast<double>(extent);
    const double wave = std::sin(2 * std::numbers::pi * static_cast<double>(picture + 1) * along);
    pixels[i] = static_cast<float>(wave + random.uniform(i) - 0.5);
  }
}

bool skipped(When when) {
  const char* asked = std::getenv("FOVEA_OVERFIT");
  return when == When::if_asked && (asked == nullptr || std::string(asked) != "all");
}

class Overfit : public ::testing::TestWithParam<Case> {};

TEST_P(Overfit, LearnsOneBatchByHeart) {
  const auto& [name, extent, when, learning_rate, width, steps, seed] = GetParam();
  if (skipped(when)) GTEST_SKIP() << "a large network: set FOVEA_OVERFIT=all, or run ./dev check-long";
  Model model = zoo::create(name, {.input = {extent, extent, 3}, .classes = batch, .width = width}, seed);
  Graph graph = model.graph();
  const Value logits = graph.output();
  const std::string loss = cross_entropy(logits, graph.input("classes", Shape{})).name();
  Session session(model, graph, {.batch = batch, .training = true, .differentiate = loss, .keep = {loss}, .seed = 2});
  draw_pictures(extent, session.input("input"));
  for (size_t i = 0; i < batch; ++i) session.input("classes")[i] = static_cast<float>(i);

  const auto optimizer = make_optimizer(Sgd{.lr = learning_rate}, model);
  float last = 0;
  for (int step = 0; step < steps; ++step) {
    session.set_step(static_cast<uint64_t>(step));
    session.forward();
    last = session.activation(loss)[0];
    if (last < 0.05F) return;
    session.backward();
    std::vector<std::span<const float>> gradients;
    for (size_t i = 0; i < model.parameters().size(); ++i) gradients.push_back(session.parameter_gradient(i));
    optimizer->step(gradients, learning_rate);
    session.parameters_changed();
  }
  FAIL() << "the loss is " << last << " after " << steps << " steps";
}

INSTANTIATE_TEST_SUITE_P(
    Networks, Overfit,
    ::testing::Values(
        Case{"lenet5", 32}, Case{"digits", 32}, Case{"mlp", 28}, Case{"tinyvgg", 64}, Case{"minivgg", 32},
        Case{"airbench94", 32}, Case{"nin", 32, When::if_asked, 0.001, 1, 500},
        Case{"nin_imagenet", 127, When::if_asked, 0.0003, 1, 500, 4}, Case{"zfnet", 64, When::if_asked, 0.003, 1, 200},
        Case{"alexnet_two_tower", 67, When::if_asked, 0.001, 1, 300}, Case{"se_googlenet", 64},
        Case{"inception_v4", 75, When::if_asked}, Case{"inception_resnet_v2", 75, When::if_asked}, Case{"resnet20", 32},
        Case{"resnet32", 32, When::if_asked}, Case{"resnet44", 32, When::if_asked},
        Case{"resnet56", 32, When::if_asked}, Case{"resnet110", 32, When::if_asked},
        Case{"resnet20_constant_shortcut", 32}, Case{"resnet20_exclusive_gate", 32, When::always, 0.05, 1, 200},
        Case{"resnet20_shortcut_gate", 32}, Case{"resnet20_conv_shortcut", 32},
        Case{"resnet20_dropout_shortcut", 32, When::always, 0.01, 1, 400},
        Case{"resnet110_exclusive_gate", 32, When::if_asked, 0.05, 1, 200}, Case{"preresnet20", 32},
        Case{"preresnet164", 32, When::if_asked}, Case{"resnet50v2", 64}, Case{"wrn_16_4", 32},
        Case{"wrn_28_10", 32, When::if_asked}, Case{"resnet18d", 64}, Case{"resnet200", 64, When::if_asked},
        Case{"resnetrs50", 64, When::if_asked}, Case{"seresnet18", 64}, Case{"seresnext50_32x4d", 64, When::if_asked},
        Case{"senet154", 64, When::if_asked}, Case{"xception", 71, When::if_asked}, Case{"shufflenet_g3", 64},
        Case{"mobilenet", 64, When::always, 0.01, 0.25}, Case{"efficientnet_v2_b0", 64, When::if_asked},
        Case{"efficientnet_v2_b1", 64, When::if_asked}, Case{"efficientnet_v2_b2", 64, When::if_asked},
        Case{"efficientnet_v2_b3", 64, When::if_asked}, Case{"nasnetmobile", 64},
        Case{"nasnetlarge", 64, When::if_asked}),
    [](const auto& test) { return test.param.name; });

struct MaskCase {
  std::string name;
  int extent;
  When when = When::always;
  double learning_rate = 0.01;
  int64_t steps = 60;
};

void PrintTo(const MaskCase& c, std::ostream* out) { *out << c.name; }

// Bright and dark halves, side by side and one above the other.
std::vector<MaskedPicture> halves(int extent) {
  std::vector<MaskedPicture> items;
  for (const bool beside : {true, false}) {
    MaskedPicture item{{extent, extent, 3, {}}, {extent, extent, 1, {}}};
    for (int y = 0; y < extent; ++y) {
      for (int x = 0; x < extent; ++x) {
        const bool bright = (beside ? x : y) < extent / 2;
        item.mask.pixels.push_back(bright ? 1 : 0);
        for (int c = 0; c < 3; ++c) item.picture.pixels.push_back(bright ? 220 : 30);
      }
    }
    items.push_back(item);
  }
  return items;
}

class OverfitMasks : public ::testing::TestWithParam<MaskCase> {};

TEST_P(OverfitMasks, LearnsOneBatchByHeart) {
  const auto& [name, extent, when, learning_rate, steps] = GetParam();
  if (skipped(when)) GTEST_SKIP() << "a large network: set FOVEA_OVERFIT=all, or run ./dev check-long";
  Model model = zoo::create(name, {.input = {extent, extent, 3}, .classes = 2}, 1);
  model.preprocessing = {
      .height = extent, .width = extent, .channels = 3, .mean = {0.5F, 0.5F, 0.5F}, .std = {0.25F, 0.25F, 0.25F}};
  std::atomic<bool> stop = false;
  double last = 0;
  FitMasksOptions options{.epochs = steps, .optimizer = {.lr = learning_rate}, .stop = &stop};
  options.on_epoch = [&](int64_t, double loss) {
    last = loss;
    stop = loss < 0.1;
  };
  fit_masks(model, halves(extent), options);
  EXPECT_LT(last, 0.1) << "after " << steps << " steps";
}

INSTANTIATE_TEST_SUITE_P(Networks, OverfitMasks,
                         ::testing::Values(MaskCase{"fcn_mini", 32}, MaskCase{"fcn_resnet50", 64, When::if_asked},
                                           MaskCase{"fcn32s_vgg16", 64, When::if_asked},
                                           MaskCase{"fcn16s_vgg16", 64, When::if_asked},
                                           MaskCase{"fcn8s_vgg16", 64, When::if_asked}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace fovea
