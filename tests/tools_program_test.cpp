#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "fovea/tensor_file.h"
#include "program_fixture.h"

// The commands that work on trained networks, and those that train many.
namespace fovea {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ToolsProgramTest : public ProgramTest {
 protected:
  static Arguments with(Arguments first, const Arguments& more) {
    first.insert(first.end(), more.begin(), more.end());
    return first;
  }
};

TEST_F(ToolsProgramTest, FeaturesAreWrittenAndClassified) {
  succeeds(train({"--model", "flatten, fc 6, relu, fc 4", "--epochs", "5"}));
  const Arguments features = {"features", "run/best.safetensors", "--data", "idx"};
  EXPECT_THAT(succeeds(with(features, {"--out", "f.npy"})).out, AllOf(HasSubstr("layer relu"), HasSubstr("40x6")));
  const TensorFile file = open_tensor_file(at("f.npy"));
  EXPECT_EQ(file.tensors.front().shape, (Shape{40, 6}));
  EXPECT_EQ(read_f32(open_tensor_file(at("f-labels.npy")).tensors.front())[5], 1);  // classes go round: 0 1 2 3 0 1
  EXPECT_THAT(succeeds(with(features, {"--layer", "flatten", "--split", "test", "--out", "t.npy"})).out,
              HasSubstr("20x64"));
  EXPECT_THAT(succeeds(with(features, {"--classifier", "linear", "--layer", "flatten"})).out,
              HasSubstr("linear classifier  top-1"));
  EXPECT_THAT(succeeds(with(features, {"--classifier", "knn", "--neighbours", "3", "--layer", "flatten"})).out,
              HasSubstr("3 nearest neighbours  top-1"));
  refuses(features, 2, {"--out", "--classifier"});
  refuses(with(features, {"--out", "f.txt"}), 2, {".npy"});
  refuses(with(features, {"--out", "f.npy", "--layer", "reluu"}), 2, {"relu"});
}

TEST_F(ToolsProgramTest, PicturesAreFoundByWhatTheyLookLike) {
  succeeds(train({}));
  for (const int brightness : {20, 60, 100, 140, 180}) {
    write_picture(at("album/" + std::to_string(brightness) + ".png"), 1, brightness);
  }
  const Arguments search = {"search-images", "run/best.safetensors", "album/140.png", "album"};
  const auto found = nlohmann::json::parse(succeeds(with(search, {"--format", "json", "--top", "3"})).out);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0]["picture"], "album/140.png");
  EXPECT_NEAR(found[0]["similarity"].get<double>(), 1, 1e-5);
  succeeds(with(search, {"--sheet", "found.svg"}));
  EXPECT_THAT(read_text(at("found.svg")), HasSubstr("looked for"));
  refuses({"search-images", "run/best.safetensors", "album/140.png"}, 2, {"folder"});
  refuses({"search-images", "run/best.safetensors", "album/140.png", "run"}, 3, {"run", "no pictures"});
}

TEST_F(ToolsProgramTest, AnEnsembleAveragesPredictions) {
  succeeds(train({}));
  succeeds(train({"--out", "other", "--seed", "5"}));
  write_picture(at("a.png"), 1, 60);
  const auto predict = [&](const Arguments& more) {
    const std::string out = succeeds(with({"predict", "run/best.safetensors"}, more)).out;
    std::map<std::string, double> probabilities;
    const auto row = nlohmann::json::parse(out);
    for (const auto& guess : row["guesses"]) probabilities[guess["name"]] = guess["probability"];
    return probabilities;
  };
  const Arguments picture = {"a.png", "--format", "json", "--top", "4"};
  auto mean = predict(picture);
  const std::string out = succeeds(with({"predict", "other/best.safetensors"}, picture)).out;
  const auto other = nlohmann::json::parse(out);
  for (const auto& guess : other["guesses"]) {
    mean[guess["name"]] = (mean[guess["name"]] + guess["probability"].get<double>()) / 2;
  }
  const auto together = predict(with({"--ensemble", "other/best.safetensors"}, picture));
  ASSERT_EQ(together.size(), 4U);
  for (const auto& [name, probability] : together) EXPECT_NEAR(probability, mean[name], 1e-6) << name;
}

TEST_F(ToolsProgramTest, CompressedModelsAreModels) {
  succeeds(train({"--model", "flatten, fc 30, relu, fc 4", "--epochs", "10"}));
  const auto rows = nlohmann::json::parse(succeeds({"compress", "run/best.safetensors", "--data", "idx", "--out",
                                                    "small", "--sparsity", "0.8", "--rounds", "2", "--format", "json"})
                                              .out);
  ASSERT_EQ(rows.size(), 5U);  // original, two rounds, shared, loaded again
  EXPECT_LE(rows[2]["kept"].get<double>(), 0.201);
  EXPECT_EQ(rows[4]["weights"], rows[2]["weights"]);
  EXPECT_EQ(rows[4]["top1"], rows[3]["top1"]);
  EXPECT_EQ(rows[4]["bytes"], fs::file_size(at("small")));
  EXPECT_GT(rows[4]["ratio"].get<double>(), 3);
  const auto report = nlohmann::json::parse(succeeds({"eval", "small", "--data", "idx", "--format", "json"}).out);
  EXPECT_EQ(report["top1"], rows[4]["top1"]);
  succeeds({"summary", "small"});
  refuses({"compress", "run/best.safetensors", "--data", "idx"}, 2, {"--out"});
  refuses({"compress", "run/best.safetensors", "--data", "idx", "--out", "s", "--sparsity", "1"}, 2, {"--sparsity"});
  const std::string bytes = read_text(at("small"));
  write_text(at("cut"), bytes.substr(0, bytes.size() / 2));
  refuses({"eval", "cut", "--data", "idx"}, 4, {"cut"});
}

// ---- Search --------------------------------------------------------------------------------------------------------

constexpr const char* recipe = R"(
[search]
method = "random"
trials = 4
epochs = 2
[train]
model = "flatten, fc {hidden}, relu, fc 4"
data = "idx"
validation-split = 0.25
[space]
lr = {log = [1e-3, 1e-1]}
hidden = {integer = [4, 8]}
)";

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

// The trials that a search says it has run.
std::vector<int> trials_in(const std::string& out) {
  std::vector<int> trials;
  std::istringstream lines(out);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("trial ") && line.find('/') != std::string::npos) trials.push_back(std::stoi(line.substr(6)));
  }
  return trials;
}

TEST_F(ToolsProgramTest, SearchesAtRandomAndGoesOn) {
  write_text(at("r.toml"), recipe);
  const std::string out = succeeds({"search", "r.toml", "--out", "s"}).out;
  EXPECT_EQ(trials_in(out), (std::vector<int>{1, 2, 3, 4}));
  EXPECT_THAT(out, AllOf(HasSubstr("best      trial"), HasSubstr("test      top-1")));
  EXPECT_TRUE(fs::exists(at("s/trials.svg")));
  EXPECT_TRUE(fs::exists(at("s/trial-0004/report.html")));
  const std::string config = read_text(at("s/trial-0001/config.json"));
  EXPECT_THAT(config, HasSubstr("relu, fc 4"));
  EXPECT_THAT(config, Not(HasSubstr("{hidden}")));
  // Nothing is done twice; more trials are added to those there are.
  EXPECT_TRUE(trials_in(succeeds({"search", "r.toml", "--out", "s"}).out).empty());
  write_text(at("r.toml"), replaced(recipe, "trials = 4", "trials = 5"));
  EXPECT_EQ(trials_in(succeeds({"search", "r.toml", "--out", "s"}).out), (std::vector<int>{5}));
  write_text(at("r.toml"), replaced(recipe, "epochs = 2", "epochs = 3"));
  refuses({"search", "r.toml", "--out", "s"}, 2, {"another recipe"});
}

TEST_F(ToolsProgramTest, EveryMethodSearches) {
  const auto search = [&](const std::string& name, const std::string& text) {
    write_text(at(name + ".toml"), text);
    return succeeds({"search", name + ".toml", "--out", name}).out;
  };
  const std::string grid = replaced(replaced(recipe, "\"random\"", "\"grid\"\npoints = 2"), "trials = 4", "");
  EXPECT_EQ(trials_in(search("grid", grid)).size(), 4U);
  const std::string refine = replaced(replaced(recipe, "\"random\"", "\"refine\""), "epochs = 2", "epochs = [1, 2]");
  EXPECT_EQ(trials_in(search("refine", refine)).size(), 8U);
  const std::string halving =
      replaced(replaced(recipe, "\"random\"", "\"halving\"\nkeep = 2"), "epochs = 2", "epochs = [1, 2, 3]");
  const std::vector<int> halved = trials_in(search("halving", halving));
  EXPECT_EQ(halved.size(), 4U + 2 + 1);
  const std::string folds =
      replaced(replaced(recipe, "trials = 4", "trials = 1\nfolds = 3"), "validation-split = 0.25", "");
  EXPECT_EQ(trials_in(search("folds", folds)).size(), 1U);
  EXPECT_TRUE(fs::exists(at("folds/trial-0001-3/report.html")));
  const std::string networks = R"(
[search]
method = "reinforce"
trials = 6
epochs = 1
[train]
model = "{first}, flatten, {second}fc 4"
data = "idx"
validation-split = 0.25
[space]
first = {choice = ["conv 2 3x3 pad 1, relu", "maxpool 2"]}
second = {choice = ["", "fc 5, relu, "]}
)";
  const std::string out = search("networks", networks);
  EXPECT_EQ(trials_in(out).size(), 6U);
  EXPECT_THAT(out, HasSubstr("likeliest: first = "));
}

TEST_F(ToolsProgramTest, ComparesRowsInTheirOrder) {
  const std::string rows = R"(
[search]
method = "rows"
epochs = 2
[train]
model = "flatten, fc 4"
data = "idx"
validation-split = 0.25
lr = 0.01
[[row]]
name = "wide"
model = "flatten, fc 8, relu, fc 4"
[[row]]
name = "and slow"
lr = 1e-6
[[row]]
name = "adam"
optimizer = "adam"
)";
  write_text(at("r.toml"), rows);
  const std::string out = succeeds({"search", "r.toml", "--out", "s"}).out;
  EXPECT_EQ(trials_in(out), (std::vector<int>{1, 2, 3}));
  EXPECT_LT(out.find("\nwide "), out.find("\nand slow "));
  EXPECT_LT(out.find("\nand slow "), out.find("\nadam "));
  EXPECT_TRUE(fs::exists(at("s/curves.svg")));
  // A row keeps what the rows before it changed.
  const std::string last = read_text(at("s/trial-0003/config.json"));
  EXPECT_THAT(last, AllOf(HasSubstr("fc 8"), HasSubstr("\"adam\""), HasSubstr("1e-06")));
  EXPECT_THAT(read_text(at("s/trial-0001/config.json")), HasSubstr("0.01"));

  for (const auto& [what, by, problem] :
       std::vector<std::array<std::string, 3>>{{"\"rows\"", "\"grid\"", "[[row]]"},
                                               {"name = \"wide\"", "", "must have a name"},
                                               {"\"and slow\"", "\"wide\"", "two rows are named 'wide'"},
                                               {"lr = 1e-6", "epochs = 3", "the search sets it"}}) {
    write_text(at("bad.toml"), replaced(rows, what, by));
    refuses({"search", "bad.toml", "--out", "bad"}, 2, {"bad.toml", problem});
  }
}

TEST_F(ToolsProgramTest, AKilledSearchLosesNoFinishedTrial) {
  write_text(at("r.toml"), replaced(recipe, "trials = 4", "trials = 12"));
  const Arguments search = {"search", "r.toml", "--out", "s"};
  std::set<int> finished;
  std::vector<int> all;
  for (const size_t enough : {2U, 5U}) {
    const fs::path log = at("log" + std::to_string(enough));
    const FileDescriptor out = open_output(log);
    const FileDescriptor err = open_output(at("err"));
    const Program program(folder_.path(), search, out.get(), err.get());
    for (int i = 0; i < 1000 && finished.size() + trials_in(read_text(log)).size() < enough; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    program.end_at_once();
    EXPECT_EQ(program.wait(), 1000 + SIGKILL);
    for (const int trial : trials_in(read_text(log))) {
      EXPECT_TRUE(finished.insert(trial).second) << "trial " << trial << " was done again";
    }
    EXPECT_GE(finished.size(), enough);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // the trial that ran ends with its search
  const std::vector<int> last = trials_in(succeeds(search).out);
  for (const int trial : last) EXPECT_TRUE(finished.insert(trial).second) << "trial " << trial << " was done again";
  // One trial may have been kept in the moment before the kill, too late to be told of.
  EXPECT_GE(finished.size(), 10U);
  EXPECT_EQ(*finished.rbegin(), 12);
}

TEST_F(ToolsProgramTest, RecipesThatMakeNoSenseAreRefused) {
  const auto refuses_recipe = [&](const std::string& what, const std::string& by,
                                  const std::vector<std::string>& words) {
    write_text(at("bad.toml"), replaced(recipe, what, by));
    refuses({"search", "bad.toml", "--out", "bad"}, 2, words);
    fs::remove_all(at("bad"));
  };
  refuses_recipe("\"random\"", "\"randon\"", {"bad.toml", "'randon'", "did you mean 'random'?"});
  refuses_recipe("trials = 4", "trails = 4", {"'trails'", "did you mean 'trials'?"});
  refuses_recipe("epochs = 2", "epochs = 0", {"'epochs'"});
  refuses_recipe("epochs = 2", "epochs = [1, 2]", {"'epochs'", "refine and halving"});
  refuses_recipe("validation-split = 0.25", "", {"validation-split", "folds"});
  refuses_recipe("log = [1e-3", "log = [0", {"'lr'", "positive"});
  refuses_recipe("log = [1e-3, 1e-1]", "logs = [1, 2]", {"'lr'", "did you mean 'log'?"});
  refuses_recipe("[space]", "[spice]", {"'spice'", "did you mean 'space'?"});
  refuses_recipe("lr = {", "lrr = {", {"trial 1", "'--lrr'"});  // told by the training itself
  refuses_recipe("data = \"idx\"", "data = \"nowhere\"", {"trial 1", "nowhere"});
  refuses({"search"}, 2, {"recipe"});
  refuses({"search", "missing.toml"}, 3, {"missing.toml"});
}

}  // namespace
}  // namespace fovea
