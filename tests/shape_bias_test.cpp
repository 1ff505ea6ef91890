#include "fovea/shape_bias.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "fovea/error.h"
#include "fovea/image.h"
#include "fovea/ops.h"
#include "program.h"

namespace fovea {
namespace {

using ::testing::HasSubstr;

TEST(ShapeBias, CategoriesAreThePapers) {
  std::set<int64_t> all;
  size_t count = 0;
  for (const Category& category : imagenet_categories()) {
    all.insert(category.classes.begin(), category.classes.end());
    count += category.classes.size();
  }
  EXPECT_EQ(imagenet_categories().size(), 16U);
  EXPECT_EQ(count, 207U);
  EXPECT_EQ(all.size(), count);  // no class twice
  EXPECT_EQ(*all.rbegin(), 914);
}

// Goes by colour: red pictures are class 0, green 1 and 2, blue 3.
Model colour_model() {
  Graph graph;
  const Value x = graph.input("input", {2, 2, 3});
  dense(Scope(graph) / "fc", flatten(global_avg_pool(x)), 4, false);
  std::vector<Tensor> weights = {Tensor({4, 3}, std::vector<float>{9, 0, 0, 0, 9, 0, 0, 9, 0, 0, 0, 9})};
  Model model(std::move(graph), std::move(weights));
  model.preprocessing = {.height = 2, .width = 2, .channels = 3, .mean = {0, 0, 0}, .std = {1, 1, 1}};
  return model;
}

Image plain(uint8_t r, uint8_t g, uint8_t b) {
  Image image{2, 2, 3, std::vector<uint8_t>(12)};
  for (size_t i = 0; i < 12; ++i) image.pixels[i] = i % 3 == 0 ? r : i % 3 == 1 ? g : b;
  return image;
}

TEST(ShapeBias, CountsDecisionsForShapeAndTexture) {
  const std::vector<Category> categories = {{"cat", {0}}, {"dog", {1, 2}}, {"bear", {3}}};
  const TempFolder folder;
  std::filesystem::create_directories(folder / "cat");
  std::filesystem::create_directories(folder / "dog");
  write_png(folder / "cat/cat1-dog2.png", plain(255, 0, 0));    // by shape
  write_png(folder / "cat/cat2-dog2.png", plain(0, 255, 0));    // by texture
  write_png(folder / "cat/cat3-bear10.png", plain(0, 255, 0));  // by neither
  write_png(folder / "dog/dog1-bear1.png", plain(0, 0, 255));   // by texture
  write_png(folder / "dog/dog1-dog3.png", plain(0, 255, 0));    // no conflict
  const auto pictures = find_cue_conflicts(folder.path(), categories);
  ASSERT_EQ(pictures.size(), 4U);
  EXPECT_EQ(pictures[0].shape, 0U);
  EXPECT_EQ(pictures[0].texture, 1U);
  const ShapeBias result = measure_shape_bias(colour_model(), pictures, categories);
  EXPECT_EQ(result.shape, 1);
  EXPECT_EQ(result.texture, 2);
  EXPECT_EQ(result.neither, 1);
  EXPECT_DOUBLE_EQ(result.bias, 1.0 / 3);
  EXPECT_EQ(result.categories[0].shape, 1);
  EXPECT_EQ(result.categories[0].texture, 1);
  EXPECT_EQ(result.categories[1].texture, 1);
  error_of(ErrorKind::usage, [&] { measure_shape_bias(colour_model(), pictures, imagenet_categories()); });
}

TEST(ShapeBias, RefusesOtherNames) {
  const TempFolder folder;
  EXPECT_THAT(error_of(ErrorKind::data, [&] { find_cue_conflicts(folder.path(), imagenet_categories()); }),
              HasSubstr("no pictures"));
  for (const char* name : {"cat1-zebra2.png", "cat1.png", "cat1-dog2-bear3.png", "1-2.png"}) {
    const TempFolder other;
    write_png(other / name, plain(1, 2, 3));
    EXPECT_THAT(error_of(ErrorKind::data, [&] { find_cue_conflicts(other.path(), imagenet_categories()); }),
                HasSubstr(name));
  }
  error_of(ErrorKind::data, [&] { find_cue_conflicts(folder / "none", imagenet_categories()); });
}

}  // namespace
}  // namespace fovea
