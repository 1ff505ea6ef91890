#include "fovea/known_classes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_files.h"

namespace fovea {
namespace {

std::shared_ptr<const Dataset> pictures(std::vector<std::string> names) {
  const Image dot{1, 1, 1, {0}};
  return make_dataset({dot, dot, dot}, {0, 1, 1}, std::move(names));
}

TEST(KnownClasses, AreFoundByNameAndByNumber) {
  const std::vector<std::string> known = {"cat", "dog, hound", "bird"};
  const auto labels = [&](std::vector<std::string> names) {
    const auto dataset = with_known_classes(pictures(std::move(names)), known);
    EXPECT_EQ(dataset->class_names(), known);
    return std::vector<int64_t>{dataset->label(0), dataset->label(1), dataset->label(2)};
  };
  EXPECT_THAT(labels({"bird", "dog, hound"}), testing::ElementsAre(2, 1, 1));
  EXPECT_THAT(labels({"2", "0"}), testing::ElementsAre(2, 0, 0));
}

TEST(KnownClasses, ThatAreNotKnownAreNamed) {
  const auto refusal = [](std::vector<std::string> known) {
    return error_of(ErrorKind::data, [&] { with_known_classes(pictures({"a", "b"}), std::move(known)); });
  };
  EXPECT_THAT(refusal({"a", "c", "d"}), testing::HasSubstr("the model knows no class 'b'"));
  EXPECT_THAT(refusal({"a", "b", "b"}), testing::HasSubstr("the model knows more than one class 'b'"));
}

}  // namespace
}  // namespace fovea
