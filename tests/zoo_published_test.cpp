#include <gtest/gtest.h>

#include <string_view>

#include "fovea/zoo.h"

// Parameter counts of networks that torchvision lacks, as others publish them.
namespace fovea {
namespace {

struct Published {
  std::string_view name;
  int64_t parameters;
};

int64_t trainable(std::string_view name) { return zoo::build(name).total_cost().parameters; }

// Of the PyTorch libraries timm and pytorchcv, and of the papers' own code: what is trained.
TEST(ZooPublished, HasTheTrainedParameters) {
  constexpr Published networks[] = {{"resnet200", 64'673'832}};
  for (const auto& [name, parameters] : networks) EXPECT_EQ(trainable(name), parameters) << name;
}

}  // namespace
}  // namespace fovea
