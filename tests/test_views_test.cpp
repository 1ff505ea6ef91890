#include "fovea/test_views.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "fovea/image_ops.h"
#include "fovea/train.h"
#include "pictures.h"
#include "test_files.h"
#include "toy.h"

namespace fovea {
namespace {

using ::testing::HasSubstr;

Preprocessing settings(int side, int shorter = 0) {
  return {.height = side, .width = side, .channels = 1, .padding = 0, .mean = {0}, .std = {1}, .shorter_side = shorter};
}

Image view(const std::string& text, const Image& image, const Preprocessing& preprocessing, int64_t which) {
  Image out;
  TestViews(text).write(image, preprocessing, which, out);
  return out;
}

Image cut(const Image& image, int top, int left, int side) {
  Image out;
  crop(image, top, left, side, side, out);
  return out;
}

TEST(TestViews, CountsAndRefuses) {
  EXPECT_EQ(TestViews().count(), 1);
  EXPECT_EQ(TestViews("flip").count(), 2);
  EXPECT_EQ(TestViews("ten").count(), 10);
  EXPECT_EQ(TestViews("scales 256 288 320, five, flip").count(), 30);
  EXPECT_EQ(TestViews("dense 4").count(), 16);
  const auto refusal = [](const char* text) { return error_of(ErrorKind::usage, [&] { TestViews views(text); }); };
  EXPECT_THAT(refusal("flop"), HasSubstr("unknown word 'flop'"));
  EXPECT_THAT(refusal("dense"), HasSubstr("dense needs a number"));
  EXPECT_THAT(refusal("scales flip"), HasSubstr("scales needs sizes"));
  EXPECT_THAT(refusal("five dense 3"), HasSubstr("without five"));
  EXPECT_THAT(refusal("dense 100, flip"), HasSubstr("more than 10000"));
  EXPECT_THAT(error_of(ErrorKind::usage, [] { view("scales 4", gradient(9, 9, 1), settings(8), 0); }),
              HasSubstr("scale of 4 is below the network's 8"));
}

TEST(TestViews, AreTheCornersTheCentreAndTheirMirrorImages) {
  const Image image = gradient(10, 14, 1);
  const Preprocessing p = settings(8, 10);  // the shorter side is 10 already
  const std::vector<std::array<int, 2>> places = {{0, 0}, {0, 6}, {2, 0}, {2, 6}, {1, 3}};
  for (int64_t i = 0; i < 5; ++i) {
    Image expected = cut(image, places[static_cast<size_t>(i)][0], places[static_cast<size_t>(i)][1], 8);
    EXPECT_EQ(view("five", image, p, i), expected) << i;
    EXPECT_EQ(view("ten", image, p, 2 * i), expected) << i;
    flip_horizontal(expected);
    EXPECT_EQ(view("ten", image, p, 2 * i + 1), expected) << i;
  }
  for (int64_t i = 0; i < 9; ++i) {
    EXPECT_EQ(view("dense 3", image, p, i), cut(image, static_cast<int>(i / 3), static_cast<int>(i % 3) * 3, 8)) << i;
  }
  EXPECT_EQ(view("scales 8 10", image, p, 1), cut(image, 1, 3, 8));
  EXPECT_EQ(view("flip", image, settings(8), 0), resize(image, 8, 8));
}

TEST(TestViews, OfADataSetKeepTheirLabels) {
  const auto whole = make_dataset({gradient(9, 9, 1), gradient(12, 8, 1)}, {1, 0}, {"a", "b"});
  const auto shown = views_of(whole, TestViews("ten"), settings(8));
  ASSERT_EQ(shown->size(), 20);
  for (int64_t i = 0; i < 20; ++i) {
    EXPECT_EQ(shown->label(i), i < 10 ? 1 : 0);
    Image image, picture, expected;
    shown->read(i, image);
    whole->read(i / 10, picture);
    TestViews("ten").write(picture, settings(8), i % 10, expected);
    EXPECT_EQ(image, expected);
  }
}

TEST(TestViews, AverageProbabilities) {
  Model model = toy_model(1);
  const auto train = toy_dataset(200, 2);
  fit(model, train, nullptr, toy_options());
  const TestViews views("scales 9 10, five, flip");
  const auto shown = views_of(train, views, model.preprocessing);
  const Evaluation evaluation = evaluate(model, shown, {.batch = 32, .probabilities = true});
  const Tensor means = mean_over_views(evaluation.probabilities, views.count());
  ASSERT_EQ(means.shape(), Shape({200, 3}));
  Predictor predictor(std::move(model));
  for (int64_t i = 0; i < 5; ++i) {
    Image image;
    train->read(i, image);
    const std::vector<Guess> guesses = predict_views(predictor, image, views, 3);
    ASSERT_EQ(guesses.size(), 3U);
    EXPECT_GE(guesses[0].probability, guesses[1].probability);
    for (const Guess& guess : guesses) {
      EXPECT_NEAR(guess.probability, static_cast<double>(means[3 * i + guess.class_index]), 1e-5);
    }
  }
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { mean_over_views(means, 7); }), HasSubstr("7 views"));
}

}  // namespace
}  // namespace fovea
