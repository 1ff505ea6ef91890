#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fovea/image.h"
#include "fovea/model_file.h"
#include "fovea/tensor_file.h"
#include "fovea/zoo.h"
#include "program.h"
#include "toy.h"

// fovea explain and fovea look as users meet them.
namespace fovea {
namespace {

using testing::HasSubstr;
using testing::Not;

class ExplainProgram : public testing::Test {
 protected:
  ExplainProgram() {
    setenv("FOVEA_THREADS", "1", 1);
    save_model(toy_model(1), folder_ / "toy.safetensors");
    Image picture;
    toy_dataset(3, 5)->read(2, picture);
    write_png(folder_ / "a.png", picture);
    std::filesystem::create_directory(folder_ / "b");
    write_png(folder_ / "b" / "a.png", picture);
  }

  ProgramResult run(const Arguments& arguments) const { return run_program(folder_.path(), arguments); }

  TempFolder folder_;
};

TEST_F(ExplainProgram, WritesMapsAndOnePageThatHoldsThem) {
  const ProgramResult result = run(
      {"explain", "toy.safetensors", "a.png", "b/a.png", "--target", "top1", "--target", "chequered", "--out", "out"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("chequered"));
  EXPECT_THAT(result.out, HasSubstr("out/index.html"));
  for (const char* method :
       {"gradient", "gradient-x-input", "smooth-grad", "integrated-gradients", "lrp", "guided-backprop", "deconvnet",
        "grad-cam", "grad-cam++", "guided-grad-cam", "score-cam", "occlusion"}) {
    for (const char* picture : {"a", "a-2"}) {
      const std::string name = std::string("out/") + picture + '.' + method + ".2";
      const Image map = read_image(folder_ / (name + ".png"));
      EXPECT_EQ(map.height, 8) << name;
      EXPECT_FALSE(open_tensor_file(folder_ / (name + ".npy")).tensors.empty()) << name;
    }
  }
  const std::string page = read_text(folder_ / "out/index.html");
  EXPECT_THAT(page, HasSubstr("Grad-CAM++"));
  EXPECT_THAT(page, HasSubstr("Why chequered?"));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, Not(HasSubstr("http://")));
  EXPECT_THAT(page, Not(HasSubstr("https://")));
}

TEST_F(ExplainProgram, LeavesOutWhatCannotBeHadUnlessAskedFor) {
  save_model(
      [] {
        Model model = zoo::create("lenet5", {}, 1);
        model.preprocessing = {32, 32, 1, 2, {0}, {1}};
        return model;
      }(),
      folder_ / "lenet.safetensors");
  const ProgramResult all = run({"explain", "lenet.safetensors", "a.png"});
  EXPECT_EQ(all.code, 0);
  EXPECT_THAT(all.err, HasSubstr("left out guided-backprop"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "explained" / "index.html"));
  const ProgramResult asked = run({"explain", "lenet.safetensors", "a.png", "--method", "grad-cam,deconvnet"});
  EXPECT_EQ(asked.code, 2);
  EXPECT_THAT(asked.err, HasSubstr("has none"));
}

TEST_F(ExplainProgram, ChecksMaps) {
  const ProgramResult result =
      run({"explain", "toy.safetensors", "a.png", "--method", "gradient,occlusion", "--check"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("gradient              deletion 0."));
  EXPECT_THAT(result.out, HasSubstr("occlusion             deletion 0."));
  EXPECT_THAT(read_text(folder_ / "explained" / "index.html"), HasSubstr("random weights"));
}

TEST_F(ExplainProgram, LooksInside) {
  std::filesystem::create_directories(folder_ / "data" / "one");
  for (int64_t i = 0; i < 12; ++i) {
    Image picture;
    toy_dataset(12, 5)->read(i, picture);
    write_png(folder_ / "data" / "one" / (std::to_string(i) + ".png"), picture);
  }
  const ProgramResult result = run(
      {"look", "toy.safetensors", "a.png", "--data", "data", "--layer", "relu", "--format", "csv", "--out", "seen"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("layer,op,channels"));
  EXPECT_THAT(result.out, HasSubstr("fc,dense,3"));
  for (const char* name : {"filters.png", "a.relu.png", "patches.relu.png", "projections.relu.png"}) {
    EXPECT_GT(read_image(folder_ / "seen" / name).width, 8) << name;
  }
  EXPECT_EQ(read_image(folder_ / "seen" / "patches.relu.png").height,
            6 * 3 + 5 * 2);  // a row of 3x3 patches per channel
  EXPECT_EQ(run({"look", "toy.safetensors", "--layer", "fc", "--data", "data"}).code, 0);
}

TEST_F(ExplainProgram, SaysWhatIsWrong) {
  const auto refuses = [&](const Arguments& arguments, int code) {
    const ProgramResult result = run(arguments);
    EXPECT_EQ(result.code, code) << result.err;
    return result.err;
  };
  EXPECT_THAT(refuses({"explain"}, 2), HasSubstr("name a model file"));
  EXPECT_THAT(refuses({"explain", "toy.safetensors"}, 2), HasSubstr("name pictures"));
  EXPECT_THAT(refuses({"explain", "toy.safetensors", "a.png", "--method", "grad-cma"}, 2), HasSubstr("did you mean"));
  EXPECT_THAT(refuses({"explain", "toy.safetensors", "a.png", "--target", "chekered"}, 2), HasSubstr("did you mean"));
  EXPECT_THAT(refuses({"explain", "toy.safetensors", "a.png", "--target", "3"}, 2), HasSubstr("0 to 2"));
  EXPECT_THAT(refuses({"explain", "toy.safetensors", "a.png", "--layer", "fc"}, 0), HasSubstr("left out grad-cam"));
  EXPECT_THAT(refuses({"explain", "toy.safetensors", "a.png", "--layer", "cnov"}, 2), HasSubstr("did you mean 'conv'"));
  EXPECT_THAT(refuses({"explain", "toy.safetensors", "a.png", "--patch", "9"}, 0), HasSubstr("left out occlusion"));
  EXPECT_THAT(refuses({"explain", "toy.safetensors", "none.png", "a.png", "--method", "gradient"}, 3),
              HasSubstr("none.png"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "explained" / "a.gradient.2.png") ||
              std::filesystem::exists(folder_ / "explained" / "a.gradient.0.png") ||
              std::filesystem::exists(folder_ / "explained" / "a.gradient.1.png"));
}

}  // namespace
}  // namespace fovea
