// What published weights of the zoo's networks reach, apart from the networks: those read like their papers.
#include <array>
#include <utility>

#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

constexpr std::string_view torchvision = "torchvision IMAGENET1K_V1";
constexpr std::string_view keras = "Keras Applications";

constexpr auto table = std::to_array<std::pair<std::string_view, PublishedAccuracy>>({
    {"alexnet", {56.522, 79.066, torchvision}},
    {"convnext_base", {84.062, 96.87, torchvision}},
    {"convnext_large", {84.414, 96.976, torchvision}},
    {"convnext_small", {83.616, 96.65, torchvision}},
    {"convnext_tiny", {82.52, 96.146, torchvision}},
    {"densenet121", {74.434, 91.972, torchvision}},
    {"densenet161", {77.138, 93.56, torchvision}},
    {"densenet169", {75.6, 92.806, torchvision}},
    {"densenet201", {76.896, 93.37, torchvision}},
    {"efficientnet_b0", {77.692, 93.532, torchvision}},
    {"efficientnet_b1", {78.642, 94.186, torchvision}},
    {"efficientnet_b2", {80.608, 95.31, torchvision}},
    {"efficientnet_b3", {82.008, 96.054, torchvision}},
    {"efficientnet_b4", {83.384, 96.594, torchvision}},
    {"efficientnet_b5", {83.444, 96.628, torchvision}},
    {"efficientnet_b6", {84.008, 96.916, torchvision}},
    {"efficientnet_b7", {84.122, 96.908, torchvision}},
    {"efficientnet_v2_b0", {78.7, 94.3, keras}},
    {"efficientnet_v2_b1", {79.8, 95, keras}},
    {"efficientnet_v2_b2", {80.5, 95.1, keras}},
    {"efficientnet_v2_b3", {82, 95.8, keras}},
    {"efficientnet_v2_l", {85.808, 97.788, torchvision}},
    {"efficientnet_v2_m", {85.112, 97.156, torchvision}},
    {"efficientnet_v2_s", {84.228, 96.878, torchvision}},
    {"googlenet", {69.778, 89.53, torchvision}},
    {"inception_resnet_v2", {80.3, 95.3, keras}},
    {"inception_v3", {77.294, 93.45, torchvision}},
    {"mnasnet0_5", {67.734, 87.49, torchvision}},
    {"mnasnet0_75", {71.18, 90.496, torchvision}},
    {"mnasnet1_0", {73.456, 91.51, torchvision}},
    {"mnasnet1_3", {76.506, 93.522, torchvision}},
    {"mobilenet", {70.4, 89.5, keras}},
    {"mobilenet_v2", {71.878, 90.286, torchvision}},
    {"mobilenet_v3_large", {74.042, 91.34, torchvision}},
    {"mobilenet_v3_small", {67.668, 87.402, torchvision}},
    {"nasnetlarge", {82.5, 96, keras}},
    {"nasnetmobile", {74.4, 91.9, keras}},
    {"regnet_x_16gf", {80.058, 94.944, torchvision}},
    {"regnet_x_1_6gf", {77.04, 93.44, torchvision}},
    {"regnet_x_32gf", {80.622, 95.248, torchvision}},
    {"regnet_x_3_2gf", {78.364, 93.992, torchvision}},
    {"regnet_x_400mf", {72.834, 90.95, torchvision}},
    {"regnet_x_800mf", {75.212, 92.348, torchvision}},
    {"regnet_x_8gf", {79.344, 94.686, torchvision}},
    {"regnet_y_16gf", {80.424, 95.24, torchvision}},
    {"regnet_y_1_6gf", {77.95, 93.966, torchvision}},
    {"regnet_y_32gf", {80.878, 95.34, torchvision}},
    {"regnet_y_3_2gf", {78.948, 94.576, torchvision}},
    {"regnet_y_400mf", {74.046, 91.716, torchvision}},
    {"regnet_y_800mf", {76.42, 93.136, torchvision}},
    {"regnet_y_8gf", {80.032, 95.048, torchvision}},
    {"resnet101", {77.374, 93.546, torchvision}},
    {"resnet101v2", {77.2, 93.8, keras}},
    {"resnet152", {78.312, 94.046, torchvision}},
    {"resnet152v2", {78, 94.2, keras}},
    {"resnet18", {69.758, 89.078, torchvision}},
    {"resnet34", {73.314, 91.42, torchvision}},
    {"resnet50", {76.13, 92.862, torchvision}},
    {"resnet50v2", {76, 93, keras}},
    {"resnext101_32x8d", {79.312, 94.526, torchvision}},
    {"resnext101_64x4d", {83.246, 96.454, torchvision}},
    {"resnext50_32x4d", {77.618, 93.698, torchvision}},
    {"shufflenet_v2_x0_5", {60.552, 81.746, torchvision}},
    {"shufflenet_v2_x1_0", {69.362, 88.316, torchvision}},
    {"shufflenet_v2_x1_5", {72.996, 91.086, torchvision}},
    {"shufflenet_v2_x2_0", {76.23, 93.006, torchvision}},
    {"squeezenet1_0", {58.092, 80.42, torchvision}},
    {"squeezenet1_1", {58.178, 80.624, torchvision}},
    {"vgg11", {69.02, 88.628, torchvision}},
    {"vgg11_bn", {70.37, 89.81, torchvision}},
    {"vgg13", {69.928, 89.246, torchvision}},
    {"vgg13_bn", {71.586, 90.374, torchvision}},
    {"vgg16", {71.592, 90.382, torchvision}},
    {"vgg16_bn", {73.36, 91.516, torchvision}},
    {"vgg19", {72.376, 90.876, torchvision}},
    {"vgg19_bn", {74.218, 91.842, torchvision}},
    {"wide_resnet101_2", {78.848, 94.284, torchvision}},
    {"wide_resnet50_2", {78.468, 94.086, torchvision}},
    {"xception", {79, 94.5, keras}},
});

}  // namespace

PublishedAccuracy published_accuracy(std::string_view name) {
  for (const auto& [known, accuracy] : table) {
    if (known == name) return accuracy;
  }
  return {};
}

}  // namespace fovea::zoo
