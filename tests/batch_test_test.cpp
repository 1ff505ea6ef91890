#include "fovea/batch_test.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "test_files.h"
#include "toy.h"

namespace fovea {
namespace {

using ::testing::HasSubstr;

constexpr BatchTestOptions quick = {.seconds = 0.001};

TEST(FindBatch, MeasuresPowersOfTwoAndSuggestsAFastOne) {
  const Model model = toy_model(1);
  const Model before = model;
  const BatchTest test = find_batch(model, toy_dataset(100, 2), toy_options(), quick);
  EXPECT_EQ(test.largest, 100);  // more there are not
  ASSERT_GE(test.batches.size(), 2U);
  double best = 0;
  for (size_t i = 0; i < test.batches.size(); ++i) {
    EXPECT_EQ(test.batches[i].batch, std::min<int64_t>(100, int64_t{4} << i));
    if (i > 0) {
      EXPECT_GT(test.batches[i].bytes, test.batches[i - 1].bytes);
    }
    best = std::max(best, test.batches[i].images_per_second);
  }
  const auto suggested = std::ranges::find(test.batches, test.suggested, &MeasuredBatch::batch);
  ASSERT_NE(suggested, test.batches.end());
  EXPECT_GE(suggested->images_per_second, 0.95 * best);
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    EXPECT_TRUE(std::ranges::equal(model.parameters()[i].values(), before.parameters()[i].values()));
  }
}

TEST(FindBatch, KeepsWithinTheMemory) {
  const Model model = toy_model(1);
  const auto dataset = toy_dataset(100, 2);
  const BatchTest all = find_batch(model, dataset, toy_options(), quick);
  BatchTestOptions little = quick;
  little.memory = all.batches[1].bytes;  // of a batch of 8
  const BatchTest test = find_batch(model, dataset, toy_options(), little);
  EXPECT_EQ(test.largest, 8);
  EXPECT_LE(test.batches.back().batch, 8);

  // What the optimiser and averages carry counts.
  FitOptions averaged = toy_options();
  averaged.ema = 0.9;
  little.memory = all.batches[0].bytes;
  EXPECT_THAT(error_of(ErrorKind::failure, [&] { find_batch(model, dataset, averaged, little); }),
              HasSubstr("a batch of 4 takes"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { find_batch(model, dataset, averaged, {.memory = -1}); }),
              HasSubstr("-1"));
}

}  // namespace
}  // namespace fovea
