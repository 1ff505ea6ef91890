#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "fovea/cpu.h"
#include "fovea/error.h"
#include "fovea/parallel.h"
#include "fovea/random.h"
#include "fovea/tensor.h"

namespace fovea {
namespace {

class ThreadCount {
 public:
  explicit ThreadCount(int threads) : before_(thread_count()) { set_thread_count(threads); }
  ~ThreadCount() { set_thread_count(before_); }

 private:
  int before_;
};

TEST(Shape, CountsElementsAndPrints) {
  EXPECT_EQ(Shape({2, 3, 4}).elements(), 24);
  EXPECT_EQ(to_string(Shape({28, 28, 6})), "28x28x6");
  EXPECT_EQ(Shape().elements(), 1);
  EXPECT_EQ(Shape({1, 5}).with_batch(64), Shape({64, 5}));
}

TEST(Shape, RefusesNegativeHugeAndTooManyDimensions) {
  EXPECT_THROW(Shape({2, -1}), Error);
  EXPECT_THROW(Shape({int64_t{1} << 40, int64_t{1} << 40}), Error);
  EXPECT_THROW(Shape({1, 1, 1, 1, 1, 1, 1, 1, 1}), Error);
}

TEST(Tensor, LargeOnesAreZeroAlignedAndMove) {
  const Shape shape{3, 1 << 20};
  Tensor a(shape);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a.data()) % 64, 0U);
  EXPECT_TRUE(std::ranges::all_of(a.values(), [](float x) { return x == 0; }));
  a[a.size() - 1] = 1;
  Tensor b = std::move(a);
  const Tensor c = b;
  b = Tensor(Shape{2});
  EXPECT_EQ(c[c.size() - 1], 1.0F);
  EXPECT_EQ(b[1], 0.0F);
}

TEST(Tensor, CopiesByValueAndIsAligned) {
  Tensor a(Shape{3, 5});
  a[4] = 2.0F;
  Tensor b = a;
  b[4] = 3.0F;
  EXPECT_EQ(a[4], 2.0F);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(b.data()) % 64, 0U);
  EXPECT_THROW(Tensor(Shape{2}, std::vector<float>{1, 2, 3}), Error);
}

TEST(Random, MatchesPhiloxKnownAnswers) {
  // Random123 kat_vectors, philox4x32 10.
  const std::array<uint32_t, 4> zeros = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  EXPECT_EQ(Random(0, 0).block(0), zeros);
  const std::array<uint32_t, 4> ones = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
  EXPECT_EQ(Random(~0ULL, ~0ULL).block(~0ULL), ones);
}

TEST(Random, DistributionsHaveTheRightMoments) {
  const Random random(7);
  const int n = 100000;
  double uniform = 0, normal = 0, square = 0;
  for (uint64_t i = 0; i < n; ++i) {
    const float u = random.uniform(i);
    ASSERT_TRUE(u >= 0 && u < 1);
    uniform += u;
    normal += random.normal(i);
    square += random.normal(i) * random.normal(i);
    ASSERT_LT(random.below(i, 7), 7U);
  }
  EXPECT_NEAR(uniform / n, 0.5, 0.005);
  EXPECT_NEAR(normal / n, 0.0, 0.015);
  EXPECT_NEAR(square / n, 1.0, 0.02);
}

TEST(Random, ShuffleIsAPermutationThatTheSeedDecides) {
  std::vector<int64_t> a(1000), b(1000), c(1000);
  for (auto* v : {&a, &b, &c}) std::iota(v->begin(), v->end(), 0);
  shuffle(a, Random(1));
  shuffle(b, Random(1));
  shuffle(c, Random(2));
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  std::sort(a.begin(), a.end());
  for (int64_t i = 0; i < 1000; ++i) EXPECT_EQ(a[static_cast<size_t>(i)], i);
}

TEST(ParallelFor, CoversEveryIndexOnceForAnyThreadCount) {
  for (int threads : {1, 2, 3, 8}) {
    const ThreadCount scope(threads);
    for (int64_t count : {1, 7, 64, 1000, 200000}) {
      std::vector<int> seen(static_cast<size_t>(count));
      parallel_for(count, 3, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
      });
      EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), count);
    }
  }
}

TEST(ParallelFor, ManySmallJobsInARow) {
  const ThreadCount scope(3);
  std::atomic<int64_t> total{0};
  for (int job = 0; job < 20000; ++job) {
    parallel_for(8, 1, [&](int64_t begin, int64_t end) { total += end - begin; });
  }
  EXPECT_EQ(total, 160000);
}

TEST(ParallelFor, NestedCallsRunInline) {
  const ThreadCount scope(3);
  std::atomic<int64_t> total{0};
  parallel_for(
      10, 1, [&](int64_t, int64_t) { parallel_for(10, 1, [&](int64_t begin, int64_t end) { total += end - begin; }); });
  EXPECT_EQ(total, 100);
}

TEST(ParallelFor, ExceptionsReachTheCaller) {
  for (int threads : {1, 3}) {
    const ThreadCount scope(threads);
    auto fail = [](int64_t begin, int64_t) {
      if (begin == 5) throw std::runtime_error("five");
    };
    EXPECT_THROW(parallel_for(10, 1, fail), std::runtime_error);
    EXPECT_NO_THROW(parallel_for(4, 1, fail));
  }
}

TEST(ParallelFor, ThreadCountIsChecked) {
  EXPECT_THROW(set_thread_count(0), Error);
  EXPECT_THROW(set_thread_count(100000), Error);
}

TEST(Cpu, RefusesAnInstructionSetItLacks) {
  const CpuInfo cpu = cpu_info();
  EXPECT_THAT(cpu.instruction_sets, ::testing::Contains(cpu.instruction_set));
  try {
    set_instruction_set("mmx");
    FAIL() << "took an unknown instruction set";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.what(), ::testing::HasSubstr(cpu.instruction_sets.front()));
  }
}

}  // namespace
}  // namespace fovea
