#include <gtest/gtest.h>

#include <cstdlib>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "fovea/ops.h"
#include "fovea/optim.h"
#include "fovea/random.h"
#include "fovea/session.h"
#include "fovea/zoo.h"

// Networks that torchvision lacks learn four pictures of noise by heart. Larger networks run with FOVEA_OVERFIT=all, in
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
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

constexpr int64_t batch = 4;

void fill_with_noise(std::span<float> pixels) {
  const Random random(5);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<float>(random.uniform(i)) * 2 - 1;
}

class Overfit : public ::testing::TestWithParam<Case> {};

TEST_P(Overfit, LearnsOneBatchByHeart) {
  const auto& [name, extent, when, learning_rate, width, steps] = GetParam();
  const char* asked = std::getenv("FOVEA_OVERFIT");
  if (when == When::if_asked && (asked == nullptr || std::string(asked) != "all")) {
    GTEST_SKIP() << "a large network: set FOVEA_OVERFIT=all, or run ./dev check-long";
  }
  Model model = zoo::create(name, {.input = {extent, extent, 3}, .classes = batch, .width = width}, 1);
  Graph graph = model.graph();
  const Value logits = graph.output();
  const std::string loss = cross_entropy(logits, graph.input("classes", Shape{})).name();
  Session session(model, graph, {.batch = batch, .training = true, .differentiate = loss, .keep = {loss}, .seed = 2});
  fill_with_noise(session.input("input"));
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
    ::testing::Values(Case{"digits", 32}, Case{"resnet20_constant_shortcut", 32}, Case{"resnet20_exclusive_gate", 32},
                      Case{"resnet20_shortcut_gate", 32}, Case{"resnet20_conv_shortcut", 32},
                      Case{"resnet20_dropout_shortcut", 32, When::always, 0.01, 1, 400},
                      Case{"resnet110_exclusive_gate", 32, When::if_asked}, Case{"se_googlenet", 64},
                      Case{"nasnetmobile", 64}, Case{"nasnetlarge", 64, When::if_asked},
                      Case{"inception_resnet_v2", 75, When::if_asked}, Case{"alexnet_two_tower", 67, When::if_asked},
                      Case{"zfnet", 64, When::if_asked}, Case{"nin", 32, When::if_asked, 0.0005, 1, 1000},
                      Case{"mobilenet", 64, When::always, 0.01, 0.25}, Case{"preresnet20", 32},
                      Case{"preresnet164", 32, When::if_asked}, Case{"wrn_16_4", 32},
                      Case{"wrn_28_10", 32, When::if_asked}, Case{"seresnet18", 64}, Case{"resnet18d", 64},
                      Case{"airbench94", 32}, Case{"resnet200", 64, When::if_asked}, Case{"resnet50v2", 64},
                      Case{"seresnext50_32x4d", 64, When::if_asked}, Case{"senet154", 64, When::if_asked},
                      Case{"resnetrs50", 64, When::if_asked}, Case{"xception", 71, When::if_asked},
                      Case{"inception_v4", 75, When::if_asked}, Case{"nin_imagenet", 127, When::if_asked}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace fovea
