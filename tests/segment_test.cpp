#include "fovea/segment.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/ops.h"
#include "fovea/parallel.h"
#include "fovea/random.h"
#include "fovea/session.h"
#include "fovea/train.h"
#include "fovea/zoo.h"
#include "program.h"

namespace fovea {
namespace {

using ::testing::HasSubstr;

Image grey(int height, int width, std::vector<uint8_t> pixels) { return {height, width, 1, std::move(pixels)}; }

// A dark ground (0), a bright disc (1) and stripes (2) in grey 3-channel pictures under noise; the border is void (9).
MaskedPicture scene(uint64_t seed, int height = 40, int width = 48) {
  const Random random(seed);
  const int row = 10 + static_cast<int>(random.below(0, 20)), column = 10 + static_cast<int>(random.below(1, 28));
  MaskedPicture item{{height, width, 3, {}}, {height, width, 1, {}}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const bool disc = std::hypot(y - row, x - column) < 8;
      const bool striped = !disc && x > width / 2;
      const int level = disc ? 210 : striped ? (y % 4 < 2 ? 150 : 20) : 60;
      const bool border = y == 0 || x == 0;
      item.mask.pixels.push_back(border ? 9 : disc ? 1 : striped ? 2 : 0);
      const auto noise = static_cast<int>(random.below(static_cast<uint64_t>(2 + y * width + x), 30));
      for (int c = 0; c < 3; ++c) item.picture.pixels.push_back(static_cast<uint8_t>(level + noise));
    }
  }
  return item;
}

std::vector<MaskedPicture> scenes(uint64_t first, int count) {
  std::vector<MaskedPicture> items;
  for (int i = 0; i < count; ++i) items.push_back(scene(first + static_cast<uint64_t>(i)));
  return items;
}

Preprocessing plain(int height, int width) {
  return {.height = height, .width = width, .channels = 3, .mean = {0.4F, 0.4F, 0.4F}, .std = {0.25F, 0.25F, 0.25F}};
}

// Nothing is padded: every unit sees pixels of the picture alone. Window 20x20, stride 4.
Model patch_classifier(bool global_pool) {
  Graph graph;
  const Scope s(graph);
  Value x = graph.input("input", {20, 20, 3});
  x = max_pool(relu(conv(s / "a", x, {.filters = 6, .kernel = 5})), {.kernel = 2});
  x = max_pool(relu(conv(s / "b", x, {.filters = 10, .kernel = 3})), {.kernel = 2});
  if (global_pool) {
    x = flatten(global_avg_pool(x));
  } else {
    x = dropout(flatten(x), 0.1);
    x = relu(dense(s / "fc1", x, 16));
  }
  dense(s / "fc2", dropout(x, 0.1), 3);
  Model model(std::move(graph), 4);
  model.preprocessing = plain(20, 20);
  return model;
}

Model small_fcn(uint64_t seed) {
  Model model = zoo::create("fcn_mini", {.input = {24, 32, 3}, .classes = 3}, seed);
  model.preprocessing = plain(24, 32);
  return model;
}

TEST(Masks, IouByHand) {
  const Image truth = grey(2, 4, {0, 0, 1, 1, 0, 2, 2, 9});
  const Image said = grey(2, 4, {0, 1, 1, 1, 0, 2, 0, 3});
  const SegmentationScores scores = score_masks(std::span(&truth, 1), std::span(&said, 1), 4, 9);
  EXPECT_DOUBLE_EQ(scores.iou[0], 2.0 / 4);
  EXPECT_DOUBLE_EQ(scores.iou[1], 2.0 / 3);
  EXPECT_DOUBLE_EQ(scores.iou[2], 1.0 / 2);
  EXPECT_TRUE(std::isnan(scores.iou[3]));
  EXPECT_DOUBLE_EQ(scores.mean_iou, (2.0 / 4 + 2.0 / 3 + 1.0 / 2) / 3);
  EXPECT_DOUBLE_EQ(scores.pixel_accuracy, 5.0 / 7);
  error_of(ErrorKind::usage, [&] { score_masks(std::span(&truth, 1), std::span(&said, 1), 4); });
  error_of(ErrorKind::usage, [&] { score_masks(std::span(&truth, 1), {}, 4, 9); });
}

TEST(Masks, AreReadBesideTheirPictures) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "p");
  std::filesystem::create_directories(folder / "m");
  const MaskedPicture item = scene(1);
  write_png(folder / "p/b.png", item.picture);
  write_jpeg(folder / "p/a.jpg", item.picture);
  write_png(folder / "m/b.png", item.mask);
  EXPECT_THAT(error_of(ErrorKind::data, [&] { read_masked_pictures(folder / "p", folder / "m"); }), HasSubstr("a.png"));
  write_png(folder / "m/a.png", item.picture);
  EXPECT_THAT(error_of(ErrorKind::data, [&] { read_masked_pictures(folder / "p", folder / "m"); }),
              HasSubstr("colours"));
  write_png(folder / "m/a.png", grey(1, 1, {0}));
  EXPECT_THAT(error_of(ErrorKind::data, [&] { read_masked_pictures(folder / "p", folder / "m"); }), HasSubstr("1x1"));
  write_png(folder / "m/a.png", item.mask);
  const auto items = read_masked_pictures(folder / "p", folder / "m");
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[1].picture, item.picture);
  EXPECT_EQ(items[0].mask, item.mask);
  error_of(ErrorKind::data, [&] { read_masked_pictures(folder / "none", folder / "m"); });
  error_of(ErrorKind::data, [&] { read_masked_pictures(folder.path(), folder / "m"); });
}

TEST(Segment, LearnsMasksAndIgnoresTheVoid) {
  Model model = small_fcn(1);
  const auto items = scenes(0, 8);
  std::vector<double> losses;
  FitMasksOptions options{.epochs = 20, .ignore = 9, .seed = 3};
  options.on_epoch = [&](int64_t, double loss) { losses.push_back(loss); };
  fit_masks(model, items, options);
  EXPECT_LT(losses.back(), 0.3 * losses.front());
  Segmenter segment(model);
  std::vector<Image> truths, masks;
  for (const MaskedPicture& item : scenes(100, 4)) {
    truths.push_back(item.mask);
    masks.push_back(segment(item.picture));
    EXPECT_EQ(masks.back().height, 40);
  }
  const SegmentationScores scores = score_masks(truths, masks, 3, 9);
  EXPECT_GT(scores.mean_iou, 0.8);
}

TEST(Segment, TrainsToTheSameBits) {
  const auto items = scenes(0, 4);
  const auto weights = [&](int threads) {
    const int before = thread_count();
    set_thread_count(threads);
    Model model = small_fcn(1);
    fit_masks(model, items, {.epochs = 2, .batch = 2, .ignore = 9, .mirror = true, .seed = 3});
    set_thread_count(before);
    const Tensor& w = model.parameter("stage1.0.0.weight");
    return std::vector<float>(w.values().begin(), w.values().end());
  };
  EXPECT_EQ(weights(1), weights(3));
}

TEST(Segment, RefusesWhatDoesNotFit) {
  Model model = small_fcn(1);
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { fit_masks(model, scenes(0, 1), {}); }), HasSubstr("sample 9"));
  error_of(ErrorKind::usage, [&] { fit_masks(model, {}, {}); });
  Model classifier = patch_classifier(false);
  error_of(ErrorKind::format, [&] { fit_masks(classifier, scenes(0, 1), {.ignore = 9}); });
  error_of(ErrorKind::format, [&] { Segmenter s(classifier); });
  error_of(ErrorKind::usage, [&] { patch_scores(classifier, grey(8, 8, std::vector<uint8_t>(64)), 1); });
}

class PatchNetwork : public ::testing::TestWithParam<bool> {};

TEST_P(PatchNetwork, SlidesAsItsFullyConvolutionalForm) {
  Model model = patch_classifier(GetParam());
  const Image picture = scene(5).picture;
  const ScoreMap whole = convolutional_scores(model, picture);
  EXPECT_EQ(whole.stride, 4);
  EXPECT_EQ(whole.scores.shape(), Shape({6, 8, 3}));
  const ScoreMap patches = patch_scores(model, picture, 4, 7);
  ASSERT_EQ(patches.scores.shape(), whole.scores.shape());
  double spread = 0;
  for (int64_t i = 0; i < whole.scores.size(); ++i) {
    EXPECT_NEAR(whole.scores[i], patches.scores[i], 1e-4) << i;
    spread = std::max(spread, std::abs(static_cast<double>(whole.scores[i]) - whole.scores[i % 3]));
  }
  EXPECT_GT(spread, 0.01);  // scores that are alike everywhere would prove nothing
  EXPECT_EQ(to_mask(whole, 40, 48), to_mask(patches, 40, 48));
}

INSTANTIATE_TEST_SUITE_P(Segment, PatchNetwork, ::testing::Values(false, true),
                         [](const auto& test) { return test.param ? "global_pool" : "dense"; });

TEST(Segment, ImageNetClassifiersBecomeConvolutional) {
  for (const char* name : {"resnet18", "squeezenet1_1"}) {
    Model model = zoo::create(name, {.input = {64, 64, 3}, .classes = 5}, 2);
    model.preprocessing = plain(64, 64);
    const Image picture = scene(2, 64, 64).picture;
    const ScoreMap one = convolutional_scores(model, picture);
    const ScoreMap same = patch_scores(model, picture, 32);
    ASSERT_EQ(one.scores.shape(), Shape({1, 1, 5})) << name;
    for (int64_t k = 0; k < 5; ++k) EXPECT_NEAR(one.scores[k], same.scores[k], 1e-3) << name;
    const Model larger = fully_convolutional(model, 128, 96);
    EXPECT_EQ(larger.graph().node(larger.graph().output_node()).shape[1], std::string_view(name) == "resnet18" ? 3 : 5);
  }
}

TEST(Segment, ScoresBelongToTheMiddlesOfPatches) {
  // Two patches of 4 side by side, stride 4: middles at 1.5 and 5.5, the border between 3 and 4.
  ScoreMap map{Tensor({1, 2, 2}), 4, 4, 4};
  map.scores[0] = 1;
  map.scores[3] = 1;
  EXPECT_EQ(to_mask(map, 1, 8).pixels, (std::vector<uint8_t>{0, 0, 0, 0, 1, 1, 1, 1}));
  // Bilinear in between: moving the winner's lead moves the border.
  map.scores[3] = 3;
  EXPECT_EQ(to_mask(map, 1, 8).pixels, (std::vector<uint8_t>{0, 0, 0, 1, 1, 1, 1, 1}));
}

TEST(Segment, PatchesOfEachClass) {
  const auto items = scenes(0, 3);
  const PatchSetOptions options = {.height = 6, .width = 8, .per_class = 50, .ignore = 9, .seed = 2};
  const auto dataset = patch_dataset(items, {"ground", "disc", "stripes"}, options);
  ASSERT_EQ(dataset->size(), 150);
  Image image;
  for (int64_t item = 0; item < dataset->size(); ++item) {
    dataset->read(item, image);
    EXPECT_EQ(image.height, 6);
    EXPECT_EQ(image.width, 8);
    EXPECT_EQ(dataset->label(item), item / 50);
    const int middle = image.pixels[static_cast<size_t>((3 * 8 + 4) * 3)];
    if (dataset->label(item) == 1) {
      EXPECT_GE(middle, 210);
    } else {
      EXPECT_LT(middle, 200);
    }
  }
  error_of(ErrorKind::usage, [&] { patch_dataset(items, {"one"}, options); });
}

TEST(SegmentProgram, TrainsSavesAndSegments) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "p");
  std::filesystem::create_directories(folder / "m");
  const auto items = scenes(0, 4);
  for (size_t i = 0; i < items.size(); ++i) {
    write_png(folder / fmt::format("p/{}.png", i), items[i].picture);
    write_png(folder / fmt::format("m/{}.png", i), items[i].mask);
  }
  const ProgramResult trained = run_program(
      folder.path(), {"segment", "fcn_mini", "--input", "24x32x3", "--classes", "3", "--train", "p", "--masks", "m",
                      "--ignore", "9", "--epochs", "12", "--batch", "2", "--save", "m.safetensors"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_THAT(trained.out, HasSubstr("mean IoU"));
  const ProgramResult used = run_program(folder.path(), {"segment", "m.safetensors", "p/0.png", "p/1.png", "--masks",
                                                         "m", "--ignore", "9", "--out", "out", "--format", "json"});
  ASSERT_EQ(used.code, 0) << used.err;
  EXPECT_THAT(used.out, HasSubstr("\"mean_iou\":0."));
  EXPECT_EQ(read_image(folder / "out/0-mask.png").channels, 1);
  EXPECT_EQ(read_image(folder / "out/1-overlay.png").channels, 3);
}

}  // namespace
}  // namespace fovea
