#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <string_view>

#include "fovea/zoo.h"

// Parameter counts as others publish them. Those of torchvision are in zoo_parity_test.cpp.
namespace fovea {
namespace {

struct Published {
  std::string_view name;
  int64_t parameters;
};

int64_t trainable(std::string_view name, const ZooOptions& options = {}) {
  return zoo::build(name, options).total_cost().parameters;
}

// Of the PyTorch libraries timm and pytorchcv, and of the authors' own code: what is trained.
TEST(ZooPublished, HasTheTrainedParameters) {
  constexpr Published networks[] = {
      {"nin", 966'986},
      {"nin_imagenet", 7'595'176},
      {"airbench94", 1'972'792},
      {"inception_v4", 42'679'816},
      {"inception_resnet_v2", 55'843'464},
      {"alexnet_two_tower", 60'965'224},
      {"zfnet", 107'627'624},
      {"xception", 22'855'952},
      {"mobilenet", 4'231'976},
      {"preresnet20", 272'282},
      {"preresnet56", 855'578},
      {"preresnet110", 1'730'522},
      {"preresnet164", 1'703'258},
      {"preresnet1001", 10'327'706},
      {"wrn_16_10", 17'116'634},
      {"wrn_28_10", 36'479'194},
      {"wrn_40_8", 35'748'314},
      {"resnet200", 64'673'832},
      {"seresnet50", 28'088'024},
      {"seresnet101", 49'326'872},
      {"seresnet152", 66'821'848},
      {"seresnext50_32x4d", 27'559'896},
      {"seresnext101_32x4d", 48'955'416},
      {"senet154", 115'088'984},
      {"shufflenet_g1", 1'531'936},
      {"shufflenet_g2", 1'733'848},
      {"shufflenet_g3", 1'865'728},
      {"shufflenet_g4", 1'968'344},
      {"shufflenet_g8", 2'434'768},
  };
  for (const auto& [name, parameters] : networks) EXPECT_EQ(trainable(name), parameters) << name;
}

// The same, of which only so many digits are published: hundredths of a million by timm, tenths by the papers.
TEST(ZooPublished, HasTheTrainedParametersInMillions) {
  struct Rounded {
    std::string_view name;
    double millions, unit;
  };
  constexpr Rounded networks[] = {
      {"seresnet18", 11.78, 0.01},   {"seresnet34", 21.96, 0.01},   {"resnet18d", 11.71, 0.01},
      {"resnet34d", 21.82, 0.01},    {"resnet50d", 25.58, 0.01},    {"resnet101d", 44.57, 0.01},
      {"resnet152d", 60.21, 0.01},   {"resnet200d", 64.69, 0.01},   {"resnetrs50", 35.69, 0.01},
      {"resnetrs101", 63.62, 0.01},  {"resnetrs152", 86.62, 0.01},  {"resnetrs200", 93.21, 0.01},
      {"resnetrs270", 129.86, 0.01}, {"resnetrs350", 163.96, 0.01}, {"resnetrs420", 191.89, 0.01},
      {"wrn_16_4", 2.7, 0.1},        {"wrn_16_8", 11.0, 0.1},       {"wrn_40_2", 2.2, 0.1},
      {"wrn_40_4", 8.9, 0.1},
  };
  for (const auto& [name, millions, unit] : networks) {
    EXPECT_NEAR(static_cast<double>(trainable(name)) * 1e-6, millions, unit / 2 * 1.0001) << name;
  }
}

// Keras's "Total params": trained ones and running statistics together. Its EfficientNets hold 7 numbers more, the
// mean, variance and count of pictures.
TEST(ZooPublished, HasKerasTotals) {
  constexpr Published networks[] = {
      {"vgg16", 138'357'544},
      {"vgg19", 143'667'240},
      {"resnet50v2", 25'613'800},
      {"resnet101v2", 44'675'560},
      {"resnet152v2", 60'380'648},
      {"xception", 22'910'480},
      {"mobilenet", 4'253'864},
      {"nasnetmobile", 5'326'716},
      {"nasnetlarge", 88'949'818},
      {"mobilenet_v2", 3'538'984},
      {"densenet121", 8'062'504},
      {"densenet169", 14'307'880},
      {"densenet201", 20'242'984},
      {"efficientnet_b0", 5'330'571 - 7},
      {"efficientnet_b1", 7'856'239 - 7},
      {"efficientnet_b2", 9'177'569 - 7},
      {"efficientnet_b3", 12'320'535 - 7},
      {"efficientnet_b4", 19'466'823 - 7},
      {"efficientnet_b5", 30'562'527 - 7},
      {"efficientnet_b6", 43'265'143 - 7},
      {"efficientnet_b7", 66'658'687 - 7},
      {"efficientnet_v2_b0", 7'200'312},
      {"efficientnet_v2_b1", 8'212'124},
      {"efficientnet_v2_b2", 10'178'374},
      {"efficientnet_v2_b3", 14'486'374},
      {"efficientnet_v2_s", 21'612'360},
      {"efficientnet_v2_m", 54'431'388},
      {"efficientnet_v2_l", 119'027'848},
      {"convnext_tiny", 28'589'128},
  };
  for (const auto& [name, parameters] : networks) {
    const Graph graph = zoo::build(name);
    int64_t all = 0;
    for (const ParameterSpec& spec : graph.parameters()) all += spec.shape.elements();
    EXPECT_EQ(all, parameters) << name;
  }
}

// In these Keras's batch normalisation has no scale: its weights, one for each channel, are not counted.
TEST(ZooPublished, HasKerasTotalsOfTheInceptionFamily) {
  constexpr Published networks[] = {{"inception_v3", 23'851'784}, {"inception_resnet_v2", 55'873'736}};
  for (const auto& [name, parameters] : networks) {
    const Graph graph = zoo::build(name);
    int64_t all = 0;
    for (const ParameterSpec& spec : graph.parameters()) {
      if (!spec.name.ends_with("bn.weight")) all += spec.shape.elements();
    }
    EXPECT_EQ(all, parameters) << name;
  }
}

// Of torchvision 0.14.
TEST(ZooPublished, AuxiliaryHeadsHaveParametersOfTheirOwn) {
  EXPECT_EQ(trainable("googlenet", {.aux_logits = true}), 13'004'888);
  EXPECT_EQ(trainable("inception_v3", {.aux_logits = true}), 27'161'264);
  EXPECT_EQ(trainable("fcn_resnet50"), 32'957'013);
  EXPECT_EQ(trainable("fcn_resnet50", {.aux_logits = true}), 35'322'218);
  EXPECT_EQ(trainable("fcn_resnet101"), 51'949'141);
  EXPECT_EQ(trainable("fcn_resnet101", {.aux_logits = true}), 54'314'346);
  EXPECT_EQ(zoo::build("googlenet", {.aux_logits = true}).auxiliary_outputs().size(), 2U);
}

// Of the authors' Caffe networks: VGG-16's convolutions 14,714,688, fc6 and fc7 119,545,856, score_fr 86,037,
// score_pool4 10,773, score_pool3 5,397; transposed convolutions of 21 classes and 4x4, 16x16, 32x32 and 64x64 pixels.
TEST(ZooPublished, FullyConvolutionalVggLearnsItsUpsampling) {
  EXPECT_EQ(trainable("fcn32s_vgg16"), 134'346'581 + 441 * 64 * 64);
  EXPECT_EQ(trainable("fcn16s_vgg16"), 134'346'581 + 10'773 + 441 * (16 + 32 * 32));
  EXPECT_EQ(trainable("fcn8s_vgg16"), 134'346'581 + 10'773 + 5'397 + 441 * (16 + 16 + 16 * 16));
}

// MobileNet's of Howard et al. 2017, ShuffleNet's of pytorchcv, the others of torchvision 0.14 with width_mult.
TEST(ZooPublished, WidthMultipliesFilters) {
  EXPECT_EQ(trainable("mobilenet", {.width = 0.75}), 2'585'560);
  EXPECT_EQ(trainable("mobilenet", {.width = 0.5}), 1'331'592);
  EXPECT_EQ(trainable("mobilenet", {.width = 0.25}), 470'072);
  EXPECT_EQ(trainable("shufflenet_g1", {.width = 0.75}), 975'214);
  EXPECT_EQ(trainable("shufflenet_g1", {.width = 0.5}), 534'484);
  EXPECT_EQ(trainable("shufflenet_g1", {.width = 0.25}), 209'746);
  EXPECT_EQ(trainable("shufflenet_g3", {.width = 0.75}), 1'238'266);
  EXPECT_EQ(trainable("shufflenet_g3", {.width = 0.5}), 718'324);
  EXPECT_EQ(trainable("shufflenet_g3", {.width = 0.25}), 305'902);
  EXPECT_EQ(trainable("mobilenet_v2", {.width = 0.5}), 1'968'680);
  EXPECT_EQ(trainable("mobilenet_v2", {.width = 1.4}), 6'108'776);
  EXPECT_EQ(trainable("mobilenet_v3_small", {.width = 0.75}), 1'653'920);
  EXPECT_EQ(trainable("mobilenet_v3_large", {.width = 0.5}), 1'734'576);
}

}  // namespace
}  // namespace fovea
