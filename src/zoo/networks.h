#pragma once

#include <string_view>
#include <vector>

#include "fovea/ops.h"
#include "fovea/zoo.h"

// The families behind zoo::list(), one file each. To add a network: its row in its family's file; to add a family: its
// file, its line here and in zoo.cpp.
namespace fovea::zoo {

std::vector<ZooEntry> alexnet();
std::vector<ZooEntry> convnext();
std::vector<ZooEntry> densenet();
std::vector<ZooEntry> efficientnet();
std::vector<ZooEntry> googlenet();
std::vector<ZooEntry> inception();
std::vector<ZooEntry> lenet();
std::vector<ZooEntry> minivgg();
std::vector<ZooEntry> mlp();
std::vector<ZooEntry> mnasnet();
std::vector<ZooEntry> mobilenet_v2();
std::vector<ZooEntry> mobilenet_v3();
std::vector<ZooEntry> resnet();
std::vector<ZooEntry> squeezenet();
std::vector<ZooEntry> tinyvgg();
std::vector<ZooEntry> vgg();

// A row of a network of ReLUs for ImageNet's 1000 classes.
inline ZooEntry imagenet(std::string_view name, ZooBuilder build, std::string_view source, int64_t extent = 224,
                         double learning_rate = 0.01) {
  return {name, std::move(build), {extent, extent, 3}, 1000, Initializer::he_normal, learning_rate, source};
}

}  // namespace fovea::zoo
