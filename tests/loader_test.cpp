#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <new>
#include <numeric>
#include <thread>

#include "fovea/data.h"
#include "fovea/random.h"
#include "test_files.h"

namespace fovea {
namespace {

using ::testing::HasSubstr;

constexpr int side = 3;

// Item i is a grey picture whose pixels hold i % 256, labelled i % 4. It can be slow, or fail at one item.
class Numbered final : public Dataset {
 public:
  explicit Numbered(int64_t size) : size_(size) {}

  int64_t size() const override { return size_; }
  const std::vector<std::string>& class_names() const override { return names_; }
  int64_t label(int64_t item) const override { return item % 4; }
  void read(int64_t item, Image& out) const override {
    ++reads;
    if (delay.count() > 0) std::this_thread::sleep_for(delay * (item % 3));
    if (item == bad_item) throw Error(ErrorKind::data, "item " + std::to_string(item) + " is gone");
    out.height = out.width = side;
    out.channels = 1;
    out.pixels.assign(side * side, static_cast<uint8_t>(item));
  }
  PictureShape picture_shape() const override { return {side, side, 1}; }
  std::string item_name(int64_t item) const override { return std::to_string(item); }
  std::string describe() const override { return "numbers"; }

  int64_t bad_item = -1;
  std::chrono::microseconds delay{0};
  mutable std::atomic<int64_t> reads{0};

 private:
  int64_t size_;
  std::vector<std::string> names_ = {"0", "1", "2", "3"};
};

const Preprocessing plain{.height = side, .width = side, .channels = 1, .padding = 0, .mean = {0}, .std = {1}};

std::vector<int64_t> shuffled(int64_t size) {
  std::vector<int64_t> order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), int64_t{0});
  shuffle(order, Random(3));
  return order;
}

std::vector<std::vector<float>> all_batches(Loader& loader) {
  std::vector<std::vector<float>> batches;
  while (const Batch* batch = loader.next()) {
    std::vector<float> values(batch->images.values().begin(), batch->images.values().end());
    values.insert(values.end(), batch->labels.values().begin(), batch->labels.values().end());
    values.push_back(static_cast<float>(batch->count));
    batches.push_back(std::move(values));
  }
  return batches;
}

TEST(Loader, DeliversTheItemsInOrder) {
  const auto dataset = std::make_shared<Numbered>(10);
  const std::vector<int64_t> order = {9, 3, 5, 5, 0};
  Loader loader(dataset, plain, order, {.batch_size = 2});
  EXPECT_EQ(loader.batches(), 3);
  for (size_t b = 0; b < 3; ++b) {
    const Batch* batch = loader.next();
    ASSERT_NE(batch, nullptr);
    EXPECT_EQ(batch->images.shape(), Shape({2, side, side, 1}));
    EXPECT_EQ(batch->labels.shape(), Shape({2}));
    ASSERT_EQ(batch->count, b == 2 ? 1 : 2);
    for (int64_t row = 0; row < batch->count; ++row) {
      const int64_t item = order[2 * b + static_cast<size_t>(row)];
      EXPECT_FLOAT_EQ(batch->images[row * side * side], static_cast<float>(item) / 255.0F);
      EXPECT_EQ(batch->labels[row], static_cast<float>(item % 4));
    }
  }
  EXPECT_EQ(loader.next(), nullptr);
  EXPECT_EQ(loader.next(), nullptr);
}

TEST(Loader, IsTheSameForAnyNumberOfWorkers) {
  const auto dataset = std::make_shared<Numbered>(1003);
  dataset->delay = std::chrono::microseconds(20);
  Loader single(dataset, plain, shuffled(1003), {.batch_size = 8});
  const auto expected = all_batches(single);
  EXPECT_EQ(expected.size(), 126U);
  for (const int workers : {2, 3, 8}) {
    for (const int queue_depth : {1, 5}) {
      Loader loader(dataset, plain, shuffled(1003), {.batch_size = 8, .workers = workers, .queue_depth = queue_depth});
      EXPECT_EQ(all_batches(loader), expected);
    }
  }
}

TEST(Loader, ClearsWhatTheLastBatchDoesNotFill) {
  // One slot is used again and again, so the last batch meets the values of an earlier one.
  Loader loader(std::make_shared<Numbered>(7), plain, {1, 2, 3, 4, 5, 6, 3}, {.batch_size = 3, .queue_depth = 1});
  const auto batches = all_batches(loader);
  ASSERT_EQ(batches.size(), 3U);
  const auto& last = batches[2];
  for (size_t i = side * side; i < 3 * side * side; ++i) EXPECT_EQ(last[i], 0);
  EXPECT_THAT(std::vector<float>(last.end() - 4, last.end()), ::testing::ElementsAre(3, 0, 0, 1));
}

TEST(Loader, DropsTheLastBatchAndStartsLater) {
  const auto dataset = std::make_shared<Numbered>(20);
  Loader whole(dataset, plain, shuffled(20), {.batch_size = 6});
  const auto expected = all_batches(whole);
  Loader dropping(dataset, plain, shuffled(20), {.batch_size = 6, .drop_last = true});
  EXPECT_EQ(dropping.batches(), 3);
  EXPECT_EQ(all_batches(dropping), std::vector(expected.begin(), expected.begin() + 3));
  Loader later(dataset, plain, shuffled(20), {.batch_size = 6, .first_batch = 2});
  EXPECT_EQ(later.batches(), 4);
  EXPECT_EQ(all_batches(later), std::vector(expected.begin() + 2, expected.end()));
  Loader at_the_end(dataset, plain, shuffled(20), {.batch_size = 6, .first_batch = 4});
  EXPECT_EQ(at_the_end.next(), nullptr);
  Loader empty(dataset, plain, {}, {});
  EXPECT_EQ(empty.next(), nullptr);
}

TEST(Loader, ReportsAnErrorWhenItsBatchIsReached) {
  for (const int workers : {1, 4}) {
    const auto dataset = std::make_shared<Numbered>(100);
    dataset->bad_item = 57;
    std::vector<int64_t> order(100);
    std::iota(order.begin(), order.end(), int64_t{0});
    Loader loader(dataset, plain, order, {.batch_size = 10, .workers = workers});
    for (int i = 0; i < 5; ++i) EXPECT_NE(loader.next(), nullptr);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(error_of(ErrorKind::data, [&] { loader.next(); }), "item 57 is gone");
  }
}

TEST(Loader, ReadsNoFurtherAheadThanItsQueue) {
  const auto dataset = std::make_shared<Numbered>(100);
  Loader loader(dataset, plain, shuffled(100), {.batch_size = 10, .workers = 4, .queue_depth = 2});
  loader.next();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_LE(dataset->reads, 30);
}

TEST(Loader, CanBeDestroyedAtAnyTime) {
  const auto dataset = std::make_shared<Numbered>(10'000);
  dataset->delay = std::chrono::microseconds(2000);  // a batch of 1,000 takes two seconds
  const auto start = std::chrono::steady_clock::now();
  { const Loader loader(dataset, plain, shuffled(10'000), {.batch_size = 1000, .workers = 3}); }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(500));
  dataset->delay = std::chrono::microseconds(0);
  for (int taken = 0; taken < 100; ++taken) {
    Loader loader(dataset, plain, shuffled(200), {.batch_size = 10, .workers = 3, .queue_depth = 2});
    for (int i = 0; i < taken % 21; ++i) loader.next();
  }
}

TEST(Loader, RecyclesItsBuffers) {
  Loader loader(std::make_shared<Numbered>(100), plain, shuffled(100), {.batch_size = 5, .queue_depth = 3});
  std::vector<const float*> seen;
  while (const Batch* batch = loader.next()) seen.push_back(batch->images.data());
  ASSERT_EQ(seen.size(), 20U);
  for (size_t i = 4; i < seen.size(); ++i) EXPECT_EQ(seen[i], seen[i - 4]);
}

TEST(Loader, RefusesNonsense) {
  const auto dataset = std::make_shared<Numbered>(4);
  const auto refusal = [&](const LoaderOptions& options, std::vector<int64_t> order = {0, 1}) {
    return error_of(ErrorKind::usage, [&] { Loader(dataset, plain, std::move(order), options); });
  };
  EXPECT_THAT(refusal({.batch_size = 0}), HasSubstr("batch size must be at least 1, got 0"));
  EXPECT_THAT(refusal({.workers = -1}), HasSubstr("workers must be between 0 and 1024, got -1"));
  EXPECT_THAT(refusal({.queue_depth = 0}), HasSubstr("queue depth"));
  EXPECT_THAT(refusal({.first_batch = 2}), HasSubstr("cannot start at batch 2 of 1"));
  EXPECT_THAT(refusal({}, {0, 4}), HasSubstr("item 4 is out of range: the data set has 4 items"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { Loader(dataset, Preprocessing{}, {}, {}); }),
              HasSubstr("preprocessing"));
}

}  // namespace
}  // namespace fovea
