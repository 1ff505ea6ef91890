#include "fovea/style.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "explain/picture_network.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/ops.h"
#include "fovea/parallel.h"
#include "fovea/random.h"
#include "fovea/zoo.h"
#include "program.h"

namespace fovea {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Two stages of convolutions with random filters, then scores.
Model random_stages() {
  Graph graph;
  const Scope s(graph);
  Value x = graph.input("input", {16, 16, 3});
  x = relu(conv(s / "one", x, {.filters = 8, .kernel = 3, .padding = 1}));
  x = max_pool(x, {.kernel = 2});
  x = relu(conv(s / "two", x, {.filters = 12, .kernel = 3, .padding = 1}));
  dense(s / "fc", flatten(x), 4);
  Model model(std::move(graph), 8);
  model.preprocessing = {
      .height = 16, .width = 16, .channels = 3, .mean = {0.5F, 0.5F, 0.5F}, .std = {0.25F, 0.25F, 0.25F}};
  return model;
}

Image stripes(int height, int width, bool across) {
  Image image{height, width, 3, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const bool on = (across ? y : x) % 4 < 2;
      for (int c = 0; c < 3; ++c) image.pixels.push_back(static_cast<uint8_t>(on ? 60 + 60 * c : 30));
    }
  }
  return image;
}

TEST(Style, StageEndsAreTheLastNodesOfEachExtent) {
  EXPECT_THAT(stage_ends(random_stages().graph()), ElementsAre("relu", "relu_2"));
  const Graph vgg = zoo::build("vgg16");
  const std::vector<std::string> ends = stage_ends(vgg);
  ASSERT_EQ(ends.size(), 5U);
  EXPECT_EQ(vgg.node(vgg.find(ends[0])).shape, Shape({1, 224, 224, 64}));
  EXPECT_EQ(vgg.node(vgg.find(ends[4])).shape, Shape({1, 14, 14, 512}));
  for (const std::string& name : ends) EXPECT_EQ(vgg.node(vgg.find(name)).op->type(), "relu") << name;
}

// The losses by their definition, from activations of another run.
TEST(Style, LossesAreThoseOfTheFormula) {
  Model model = random_stages();
  const Image content = stripes(24, 32, true);
  const Image style = stripes(32, 32, false);
  const Styled result = transfer_style(model, content, style, {.size = 32, .steps = 3, .total_variation_weight = 0});
  const auto activation = [&](const Image& image, const std::string& node) {
    PictureNetwork network(model, {node}, image.height, image.width);
    network.forward(network.space().pixels(image));
    return Tensor(network.shape(0), network.value(0));
  };
  const auto gram = [](const Tensor& f) {
    const int64_t channels = f.shape().back();
    std::vector<double> g(static_cast<size_t>(channels * channels));
    for (int64_t p = 0; p < f.size() / channels; ++p) {
      for (int64_t i = 0; i < channels; ++i) {
        for (int64_t j = 0; j < channels; ++j) {
          g[static_cast<size_t>(i * channels + j)] += static_cast<double>(f[p * channels + i]) * f[p * channels + j] *
                                                      static_cast<double>(channels) / static_cast<double>(f.size());
        }
      }
    }
    return g;
  };
  const auto relative = [](const auto& a, const auto& b) {
    double above = 0, below = 0;
    for (size_t i = 0; i < b.size(); ++i) {
      above += std::pow(static_cast<double>(a[i]) - b[i], 2);
      below += std::pow(static_cast<double>(b[i]), 2);
    }
    return above / below;
  };
  double style_loss = 0;
  for (const char* node : {"relu", "relu_2"}) {
    style_loss += relative(gram(activation(result.picture, node)), gram(activation(style, node))) / 2;
  }
  const Tensor content_now = activation(result.picture, "relu"), content_then = activation(content, "relu");
  // The result's pixels were rounded to 8 bits.
  EXPECT_NEAR(result.style_loss, style_loss, 0.02 * style_loss + 1e-3);
  EXPECT_NEAR(result.content_loss, relative(content_now.values(), content_then.values()), 0.02);
  EXPECT_NEAR(result.loss, result.content_loss + 100 * result.style_loss, 1e-3 * result.loss);
}

TEST(Style, TakesTheStyleOverAndKeepsTheProportions) {
  Model model = random_stages();
  const Image content = stripes(24, 48, true);
  std::vector<double> losses;
  const StyleOptions options = {.size = 32, .steps = 40, .on_step = [&](int64_t, double loss) {
                                  losses.push_back(loss);
                                  return true;
                                }};
  const Styled result = transfer_style(model, content, stripes(20, 20, false), options);
  EXPECT_EQ(result.picture.height, 16);
  EXPECT_EQ(result.picture.width, 32);
  EXPECT_LT(result.loss, 0.1 * result.start_loss);
  for (size_t i = 1; i < losses.size(); ++i) EXPECT_LE(losses[i], losses[i - 1]);
  const int before = thread_count();
  set_thread_count(3);
  EXPECT_EQ(transfer_style(model, content, stripes(20, 20, false), options).picture, result.picture);
  set_thread_count(before);
}

TEST(Style, RefusesWhatMakesNoSense) {
  Model model = random_stages();
  const Image image = stripes(16, 16, true);
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { transfer_style(model, image, image, {.style_layers = {"won"}}); }),
              HasSubstr("'won'"));
  error_of(ErrorKind::format, [&] { transfer_style(model, image, image, {.size = 32, .content_layers = {"fc"}}); });
  error_of(ErrorKind::usage, [&] { transfer_style(model, image, image, {.size = 16, .content_layers = {"fc"}}); });
  error_of(ErrorKind::usage, [&] { transfer_style(model, image, image, {.size = 1}); });
  error_of(ErrorKind::usage, [&] { transfer_style(model, image, image, {.style_weight = -1}); });
}

TEST(StyleProgram, WritesAPicture) {
  const TempFolder folder;
  save_model(random_stages(), folder / "m.safetensors");
  write_png(folder / "a.png", stripes(16, 24, true));
  write_png(folder / "b.png", stripes(16, 16, false));
  const ProgramResult result =
      run_program(folder.path(), {"style", "m.safetensors", "a.png", "b.png", "--size", "24", "--steps", "3"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(read_image(folder / "a-b.png").width, 24);
  EXPECT_EQ(run_program(folder.path(), {"style", "m.safetensors", "a.png"}).code, 2);
}

}  // namespace
}  // namespace fovea
