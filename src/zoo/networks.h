#pragma once

#include <string_view>
#include <vector>

#include "fovea/ops.h"
#include "fovea/zoo.h"

// The families behind zoo::list(), in its order, one file each. To add a network: its row in its family's file; to add
// a family: its file and its line here.
#define FOVEA_ZOO_FAMILIES(FAMILY) \
  FAMILY(lenet)                    \
  FAMILY(mlp)                      \
  FAMILY(minivgg)                  \
  FAMILY(tinyvgg)                  \
  FAMILY(alexnet)                  \
  FAMILY(nin)                      \
  FAMILY(zfnet)                    \
  FAMILY(vgg)                      \
  FAMILY(googlenet)                \
  FAMILY(inception)                \
  FAMILY(inception_v4)             \
  FAMILY(inception_resnet_v2)      \
  FAMILY(resnet)                   \
  FAMILY(resnet_a)                 \
  FAMILY(resnet_v2)                \
  FAMILY(preresnet)                \
  FAMILY(shortcuts)                \
  FAMILY(xception)                 \
  FAMILY(squeezenet)               \
  FAMILY(densenet)                 \
  FAMILY(shufflenet)               \
  FAMILY(mobilenet)                \
  FAMILY(mobilenet_v2)             \
  FAMILY(mobilenet_v3)             \
  FAMILY(mnasnet)                  \
  FAMILY(efficientnet)             \
  FAMILY(regnet)                   \
  FAMILY(nasnet)                   \
  FAMILY(convnext)                 \
  FAMILY(airbench)                 \
  FAMILY(fcn)

namespace fovea::zoo {

#define FOVEA_DECLARE_FAMILY(family) std::vector<ZooEntry> family();
FOVEA_ZOO_FAMILIES(FOVEA_DECLARE_FAMILY)
#undef FOVEA_DECLARE_FAMILY

// What weights published under this name reach; zeros where there are none.
PublishedAccuracy published_accuracy(std::string_view name);

// A row of a network of ReLUs for ImageNet's 1000 classes.
inline ZooEntry imagenet(std::string_view name, ZooBuilder build, std::string_view source, int64_t extent = 224,
                         double learning_rate = 0.01) {
  return {name, std::move(build), {extent, extent, 3}, 1000, Initializer::he_normal, learning_rate, source};
}

// The row of a network with auxiliary heads, ZooOptions::aux_logits.
inline ZooEntry with_aux_logits(ZooEntry entry) {
  entry.has_aux_logits = true;
  return entry;
}

// The row of a network whose paper multiplies all its filters by a factor, ZooOptions::width.
inline ZooEntry with_width(ZooEntry entry) {
  entry.has_width = true;
  return entry;
}

// The row of a network some of whose parameters start elsewhere than the initializer says, ZooEntry::start.
inline ZooEntry starting(ZooEntry entry, void (*start)(Model& model)) {
  entry.start = start;
  return entry;
}

}  // namespace fovea::zoo
