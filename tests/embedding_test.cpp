#include "fovea/embedding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/parallel.h"
#include "fovea/random.h"
#include "fovea/train.h"
#include "program.h"
#include "toy.h"

namespace fovea {
namespace {

using ::testing::HasSubstr;

// `each` points around each of three corners of a space of 12 axes.
Tensor blobs(int64_t each) {
  const Random random(5);
  Tensor rows({3 * each, 12});
  for (int64_t i = 0; i < rows.size(); ++i) {
    const int64_t corner = i / 12 / each;
    rows[i] = random.normal(static_cast<uint64_t>(i)) + (i % 12 == corner ? 12.0F : 0.0F);
  }
  return rows;
}

TEST(Embedding, PrincipalComponentsOfKnownAxes) {
  // Deviations 5, 2 and 0.5 along (0.6, 0.8, 0), (-0.8, 0.6, 0) and (0, 0, 1), about (7, -3, 2).
  const Random random(1);
  Tensor rows({500, 3});
  std::vector<double> first, second;
  for (int64_t n = 0; n < 500; ++n) {
    const double a = 5.0 * random.normal(static_cast<uint64_t>(3 * n)),
                 b = 2.0 * random.normal(static_cast<uint64_t>(3 * n + 1));
    first.push_back(a);
    second.push_back(b);
    rows[3 * n] = static_cast<float>(7 + 0.6 * a - 0.8 * b);
    rows[3 * n + 1] = static_cast<float>(-3 + 0.8 * a + 0.6 * b);
    rows[3 * n + 2] = 2 + 0.5F * random.normal(static_cast<uint64_t>(3 * n + 2));
  }
  const PrincipalComponents result = principal_components(rows, 3);
  EXPECT_NEAR(result.explained[0], 25 / 29.25, 0.02);
  EXPECT_NEAR(result.explained[1], 4 / 29.25, 0.02);
  EXPECT_NEAR(result.explained[0] + result.explained[1] + result.explained[2], 1, 1e-9);
  double product = 0, a2 = 0, p2 = 0;
  for (int64_t n = 0; n < 500; ++n) {
    product += first[static_cast<size_t>(n)] * result.points[3 * n];
    a2 += first[static_cast<size_t>(n)] * first[static_cast<size_t>(n)];
    p2 += static_cast<double>(result.points[3 * n]) * result.points[3 * n];
  }
  EXPECT_GT(product / std::sqrt(a2 * p2), 0.995);  // and not its negative
  error_of(ErrorKind::usage, [&] { principal_components(rows, 4); });
}

// Fewer rows than features: the other way round, the same distances.
TEST(Embedding, PrincipalComponentsOfFewRowsKeepDistances) {
  const Random random(2);
  Tensor rows({5, 40});
  for (int64_t i = 0; i < rows.size(); ++i) rows[i] = random.normal(static_cast<uint64_t>(i));
  const Tensor points = principal_components(rows, 5).points;
  for (int64_t a = 0; a < 5; ++a) {
    for (int64_t b = 0; b < a; ++b) {
      double before = 0, after = 0;
      for (int64_t k = 0; k < 40; ++k) before += std::pow(rows[a * 40 + k] - rows[b * 40 + k], 2);
      for (int64_t k = 0; k < 5; ++k) after += std::pow(points[a * 5 + k] - points[b * 5 + k], 2);
      EXPECT_NEAR(after, before, 1e-3 * before);
    }
  }
}

TEST(Embedding, TsneKeepsNeighboursTogether) {
  const int64_t each = 40;
  const TsneOptions options = {.perplexity = 15, .iterations = 300};
  const Tensor points = tsne(blobs(each), options);
  ASSERT_EQ(points.shape(), Shape({3 * each, 2}));
  int64_t strangers = 0;
  for (int64_t n = 0; n < 3 * each; ++n) {
    double nearest = 1e30;
    int64_t neighbour = -1;
    for (int64_t m = 0; m < 3 * each; ++m) {
      const double distance = std::hypot(points[2 * n] - points[2 * m], points[2 * n + 1] - points[2 * m + 1]);
      if (m == n || distance >= nearest) continue;
      nearest = distance;
      neighbour = m;
    }
    strangers += static_cast<int64_t>(neighbour / each != n / each);
  }
  EXPECT_EQ(strangers, 0);
  const int before = thread_count();
  set_thread_count(3);
  const Tensor again = tsne(blobs(each), options);
  set_thread_count(before);
  EXPECT_TRUE(std::ranges::equal(points.values(), again.values()));
}

TEST(Embedding, TsneOfEqualRowsIsFinite) {
  const Tensor points = tsne(Tensor({12, 3}), {.iterations = 50});
  for (const float value : points.values()) EXPECT_TRUE(std::isfinite(value));
  error_of(ErrorKind::usage, [&] { tsne(Tensor({3, 3})); });
  error_of(ErrorKind::usage, [&] { tsne(Tensor({12, 3}), {.perplexity = 1}); });
}

TEST(Embedding, SimilarityOfClasses) {
  const Tensor rows({6, 2}, std::vector<float>{1, 0, 3, 0, -2, 0, -2, 0, 0, 1, 0, -1});
  const std::vector<int64_t> labels = {0, 0, 1, 1, 2, 2};
  // The mean of all is 0: classes point to (1, 0), (-1, 0) and nowhere.
  const Tensor matrix = class_similarity(rows, labels, 4);
  EXPECT_NEAR(matrix[0], 1, 1e-6);
  EXPECT_NEAR(matrix[1], -1, 1e-6);
  EXPECT_NEAR(matrix[2], 0, 1e-6);
  EXPECT_EQ(matrix[3], 0);
  error_of(ErrorKind::usage, [&] { class_similarity(rows, labels, 2); });
}

TEST(EmbedProgram, DrawsMaps) {
  const TempFolder folder;
  save_model(toy_model(3), folder / "toy.safetensors");
  const auto dataset = toy_dataset(24, 2);
  Image image;
  for (int64_t item = 0; item < dataset->size(); ++item) {
    dataset->read(item, image);
    const std::filesystem::path path =
        folder / "data" / dataset->class_names()[static_cast<size_t>(dataset->label(item))];
    std::filesystem::create_directories(path);
    write_png(path / (std::to_string(item) + ".png"), image);
  }
  for (const char* method : {"pca", "tsne"}) {
    const ProgramResult result =
        run_program(folder.path(), {"embed", "toy.safetensors", "--data", "data", "--method", method, "--iterations",
                                    "60", "--out", "map.svg", "--similarity", "matrix.svg"});
    ASSERT_EQ(result.code, 0) << result.err;
    const std::string svg = read_text(folder / "map.svg");
    EXPECT_THAT(svg, HasSubstr("chequered"));
    EXPECT_THAT(svg, HasSubstr("24 pictures"));
    EXPECT_THAT(read_text(folder / "matrix.svg"), HasSubstr("vertical / vertical: 1.00"));
  }
  const std::vector<std::string> first_words = {"embed", "toy.safetensors", "--data",  "data",       "--method",
                                                "pca",   "--out",           "map.svg", "--max-items"};
  const auto with_items = [&](const char* count) {
    std::vector<std::string> arguments = first_words;
    arguments.emplace_back(count);
    return run_program(folder.path(), arguments);
  };
  // Every fourth of 24 pictures in folders of one class each: both classes are there.
  ASSERT_EQ(with_items("6").code, 0);
  EXPECT_THAT(read_text(folder / "map.svg"), HasSubstr("6 pictures"));
  for (const std::string& name : dataset->class_names())
    EXPECT_THAT(read_text(folder / "map.svg"), HasSubstr(": " + name));
  EXPECT_EQ(with_items("0").code, 2);
  EXPECT_EQ(run_program(folder.path(), {"embed", "toy.safetensors", "--data", "data"}).code, 2);
}

}  // namespace
}  // namespace fovea
