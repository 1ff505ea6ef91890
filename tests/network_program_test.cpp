#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "fovea/image.h"
#include "program_fixture.h"

// Commands about networks and filters, which need no data.
namespace fovea {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

// ---- The zoo, and pictures of networks -----------------------------------------------------------------------------

TEST_F(ProgramTest, ZooKnowsSizeCostAndAccuracy) {
  const auto zoo = [&](Arguments arguments) {
    arguments.insert(arguments.begin(), "zoo");
    arguments.insert(arguments.end(), {"--format", "json"});
    return nlohmann::json::parse(succeeds(arguments).out);
  };
  const auto resnet50 = zoo({"wide_resnet50", "--min-top1", "70"}).at(0);
  EXPECT_EQ(resnet50["name"], "wide_resnet50_2");
  EXPECT_EQ(resnet50["parameters"], 68883240);
  EXPECT_EQ(resnet50["depth"], 50);
  EXPECT_EQ(resnet50["input"], nlohmann::json({224, 224, 3}));
  EXPECT_EQ(resnet50["top1"], 78.468);
  EXPECT_EQ(resnet50["accuracy_source"], "torchvision IMAGENET1K_V1");
  EXPECT_TRUE(zoo({"lenet5"}).at(0)["top1"].is_null());

  const auto small =
      zoo({"net", "--max-parameters", "1.3M", "--max-multiply-adds", "0.4G", "--sort", "top1", "--reverse"});
  double before = 100;
  for (const auto& network : small) {
    EXPECT_LE(network["parameters"], 1300000);
    EXPECT_LE(network["multiply_adds"], 400000000);
    const double top1 = network["top1"].is_null() ? 0 : network["top1"].get<double>();
    EXPECT_LE(top1, before);
    before = top1;
  }
  EXPECT_EQ(small.at(0)["name"], "squeezenet1_1");
  EXPECT_TRUE(small.back()["top1"].is_null());

  const std::string table = succeeds({"zoo", "alexnet", "lenet5", "--sort", "name"}).out;
  EXPECT_LT(table.find("alexnet"), table.find("lenet5"));
  EXPECT_THAT(table, HasSubstr("a torchvision IMAGENET1K_V1"));
}

TEST_F(ProgramTest, ZooTimesNetworks) {
  const auto row = nlohmann::json::parse(succeeds({"zoo", "lenet5", "--time", "--format", "json"}).out).at(0);
  EXPECT_GT(row["ms_one_thread"], 0);
  EXPECT_EQ(row["ms_one_thread"], row["ms_all_threads"]);  // there is one here
}

TEST_F(ProgramTest, DrawsTheZooAndNetworks) {
  succeeds({"zoo", "squeezenet", "--plot", "chart.svg"});
  EXPECT_THAT(read_text(at("chart.svg")), HasSubstr(">squeezenet1_0</text>"));
  succeeds({"summary", "resnet20", "--graph", "network.svg"});
  EXPECT_THAT(read_text(at("network.svg")), HasSubstr("resnet20: 272K parameters, 40.8M multiply-adds"));
  refuses({"summary", "lenet5", "--graph", "no/network.svg"}, 3, {"no/network.svg"});
}

// ---- Filters -------------------------------------------------------------------------------------------------------

TEST_F(ProgramTest, FiltersPictures) {
  write_picture(at("grey.png"), 1, 50);
  write_picture(at("colour.png"), 3, 50);
  EXPECT_EQ(succeeds({"filter", "colour.png", "--kernel", "gaussian", "--sigma", "2"}).out,
            "colour-gaussian.png 12x10x3\n");
  EXPECT_EQ(read_image(at("colour-gaussian.png")).channels, 3);
  succeeds({"filter", "colour.png", "--kernel", "box", "--size", "5", "--stride", "2x3", "--padding", "valid", "--grey",
            "--output", "small.jpg"});
  const Image small = read_image(at("small.jpg"));
  EXPECT_EQ(small.height, 4);
  EXPECT_EQ(small.width, 2);
  EXPECT_EQ(small.channels, 1);
  succeeds({"filter", "grey.png", "--kernel", "sobel", "--output", "edges.png"});
  for (const char* name : {"edges.png", "edges-x.png", "edges-y.png"}) EXPECT_TRUE(fs::exists(at(name))) << name;
  // A kernel of one weight changes nothing.
  write_text(at("same.txt"), "1\n");
  succeeds({"filter", "grey.png", "--kernel", "same.txt"});
  EXPECT_EQ(read_image(at("grey-same.png")), read_image(at("grey.png")));
  // Changes are shown by size: no sample of a flat picture's middle is above zero.
  write_text(at("difference.txt"), "-1 1\n");
  succeeds({"filter", "grey.png", "--kernel", "difference.txt", "--padding", "0", "--output", "change.png"});
  EXPECT_EQ(read_image(at("change.png")).pixels.at(0), 1);
}

TEST_F(ProgramTest, FilterSlipsAreNamed) {
  write_picture(at("grey.png"), 1, 50);
  refuses({"filter"}, 2, {"name a picture"});
  refuses({"filter", "grey.png"}, 2, {"--kernel", "sobel"});
  refuses({"filter", "none.png", "--kernel", "box"}, 3, {"none.png"});
  refuses({"filter", "grey.png", "--kernel", "sharpn"}, 2, {"'sharpn'", "did you mean 'sharpen'?"});
  refuses({"filter", "grey.png", "--kernel", "box", "--stride", "0"}, 2, {"--stride", "'0'"});
  refuses({"filter", "grey.png", "--kernel", "box", "--padding", "some"}, 2, {"--padding", "'some'"});
  refuses({"filter", "grey.png", "--kernel", "box", "--sigma", "2"}, 2, {"--sigma", "gaussian"});
  refuses({"filter", "grey.png", "--kernel", "sobel", "--size", "5"}, 2, {"--size", "box"});
  refuses({"filter", "grey.png", "--kernel", "box", "--size", "21", "--padding", "valid"}, 4, {"21x21", "12x10"});
  refuses({"filter", "grey.png", "--kernel", "box", "--output", "x.gif"}, 2, {"x.gif", ".png"});
  write_text(at("bad.txt"), "1 2\n3\n");
  refuses({"filter", "grey.png", "--kernel", "bad.txt"}, 4, {"bad.txt, line 2"});
}

TEST_F(ProgramTest, NetworksByNameComeInVariants) {
  EXPECT_THAT(succeeds({"summary", "mobilenet_v2", "--width", "0.5"}).out, HasSubstr("1,968,680"));
  const std::string with_heads = succeeds({"summary", "googlenet", "--aux-logits"}).out;
  EXPECT_THAT(with_heads, HasSubstr("13,004,888"));
  refuses({"summary", "resnet18", "--width", "0.5"}, 2, {"resnet18", "one width"});
  refuses({"summary", "resnet18", "--aux-logits"}, 2, {"resnet18", "no auxiliary heads"});
  refuses({"summary", "flatten, fc 4", "--input", "4x4x1", "--width", "2"}, 2, {"--width", "flatten, fc 4"});
}
}  // namespace
}  // namespace fovea
