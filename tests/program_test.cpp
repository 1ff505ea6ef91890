#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "fovea/image.h"
#include "fovea/safetensors.h"
#include "program_fixture.h"

// The program as users meet it: every slip ends in one clear line and the right exit code.
namespace fovea {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

// ---- The command line ----------------------------------------------------------------------------------------------

TEST_F(ProgramTest, HelpAndVersionSucceed) {
  EXPECT_THAT(succeeds({"--help"}).out, HasSubstr("train"));
  EXPECT_THAT(succeeds({"--version"}).out, StartsWith("fovea "));
  for (const char* command :
       {"train",   "eval", "report",  "predict", "search", "features", "search-images", "compress", "explain",
        "look",    "data", "filter",  "fool",    "dream",  "style",    "segment",       "embed",    "shape-bias",
        "summary", "zoo",  "inspect", "convert", "run",    "check",    "bench",         "doctor"}) {
    EXPECT_THAT(succeeds({command, "--help"}).out, HasSubstr("--threads")) << command;
  }
}

TEST_F(ProgramTest, TrainHelpShowsDefaults) {
  const std::string help = succeeds({"train", "--help"}).out;
  for (const char* shown : {"--epochs INT=10", "--batch INT=64", "--optimizer TEXT=sgd", "--schedule TEXT=cosine",
                            "--loss cross-entropy|hinge=cross-entropy", "--on-bad-picture refuse|skip=refuse"}) {
    EXPECT_THAT(help, HasSubstr(shown));
  }
}

TEST_F(ProgramTest, SlipsOfTheCommandLineAreUsageErrors) {
  struct Case {
    Arguments arguments;
    std::vector<std::string> words;
  };
  const std::vector<Case> cases = {
      {{}, {"command", "--help"}},
      {{"trian"}, {"'trian'", "did you mean 'train'?"}},
      {{"--modl", "train"}, {"'--modl'", "follow a command"}},
      {{"--threads", "2", "train"}, {"'--threads'", "follow a command"}},
      {{"train", "eval"}, {"eval"}},
      {{"train"}, {"--data"}},
      {{"train", "--data", "idx"}, {"--model"}},
      {{"eval"}, {"model file"}},
      {{"predict"}, {"model file"}},
      {{"predict", "x.safetensors"}, {"pictures"}},
      {{"predict", "x.safetensors", "a.png", "--top", "0"}, {"--top", "at least 1"}},
      {{"summary"}, {"'fovea zoo' lists them"}},
      {{"summary", "lenet6"}, {"'lenet6'", "did you mean 'lenet5'?"}},
      {{"zoo", "nothing like it"}, {"no network is like that"}},
      {{"zoo", "--max-parameters", "many"}, {"--max-parameters", "25M", "'many'"}},
      {{"zoo", "--sort", "parameter"}, {"--sort", "did you mean 'parameters'?"}},
      {{"zoo", "--sort", "time"}, {"--time"}},
      {{"zoo", "lenet5", "--plot", "chart.svg"}, {"--plot", "published accuracy"}},
      {{"summary", "flatten, fc 4"}, {"--input"}},
      {{"summary", "flatten, fc 4", "--input", "8x8x1", "--classes", "3"}, {"--classes"}},
      {{"summary", "lenet5", "--classes", "-1"}, {"classes", "-1"}},
      {{"summary", "conv 3 3x3, rleu", "--input", "8x8x1"}, {"'rleu'", "did you mean 'relu'?"}},
      {{"doctor", "--format", "jsn"}, {"--format", "text, json or csv", "did you mean 'json'?"}},
      {train({"--epocs", "3"}), {"'--epocs'", "did you mean '--epochs'?"}},
      {train({"extra"}), {"'extra'"}},
      {train({"--epochs"}), {"--epochs", "missing"}},
      {train({"--model", "lenet6"}), {"'lenet6'", "did you mean 'lenet5'?"}},
      {train({"--data", "fashon-mnist"}), {"'fashon-mnist'", "did you mean 'fashion-mnist'?"}},
      {train({"--epochs", "-1"}), {"epochs", "at least 1", "-1"}},
      {train({"--epochs", "0"}), {"epochs", "at least 1", "0"}},
      {train({"--epochs", "abc"}), {"--epochs", "whole number", "'abc'"}},
      {train({"--epochs", "1.5"}), {"--epochs", "whole number", "'1.5'"}},
      {train({"--epochs", "99999999999999999999"}), {"--epochs", "out of range"}},
      {train({"--batch", "0"}), {"batch", "at least 1"}},
      {train({"--lr", "nan"}), {"learning rate", "nan"}},
      {train({"--lr", "-1"}), {"learning rate", "-1"}},
      {train({"--lr", "inf"}), {"learning rate", "inf"}},
      {train({"--lr", "fast"}), {"--lr", "a number", "'fast'"}},
      {train({"--momentum", "1"}), {"momentum", "[0, 1)"}},
      {train({"--weight-decay", "-1"}), {"weight decay", "-1"}},
      {train({"--max-norm", "-1"}), {"largest norm", "-1"}},
      {train({"--label-smoothing", "2"}), {"label smoothing", "between 0 and 1", "2"}},
      {train({"--loss", "hinge", "--label-smoothing", "0.1"}), {"cross-entropy only", "0.1"}},
      {train({"--loss", "hing"}), {"--loss", "did you mean 'hinge'?"}},
      {train({"--threads", "0"}), {"threads", "between 1 and"}},
      {train({"--threads", "many"}), {"--threads", "'many'"}},
      {train({"--workers", "2000"}), {"workers", "between 0 and"}},
      {train({"--validation-split", "1.5"}), {"validation fraction", "1.5"}},
      {train({"--validation-split", "nan"}), {"validation fraction", "nan"}},
      {train({"--seed", "-1"}), {"--seed", "at least 0", "'-1'"}},
      {train({"--input", "0x0x0"}), {"--input", "HEIGHTxWIDTHxCHANNELS"}},
      {train({"--input", "8x8x7"}), {"--input", "1 or 3 channels"}},
      {train({"--input", "8x3"}), {"--input", "HEIGHTxWIDTHxCHANNELS", "8x3"}},
      {{"summary", "conv 3 3", "--input", "8"}, {"--input", "LENGTHxCHANNELS", "'8'"}},
      {train({"--schedule", "cosin"}), {"unknown schedule", "constant, step, cosine", "did you mean 'cosine'?"}},
      {train({"--optimizer", "adma"}), {"unknown optimizer", "did you mean 'adam'?"}},
      {train({"--optimizer", "adam", "--momentum", "0.9"}), {"adam", "'momentum'", "beta1"}},
      {train({"--freeze", "conv.*"}), {"'conv.*'", "fc1.weight"}},
      {train({"--head-lr", "fast"}), {"--head-lr", "10x", "'fast'"}},
      {train({"--layer-rates", "fc.*"}), {"--layer-rates", "'fc.*'"}},
      {train({"--accumulate", "0"}), {"accumulate", "at least 1"}},
      {train({"--accumulate", "99"}), {"99 batches", "40"}},
      {train({"--ema", "1"}), {"averaged", "[0, 1)"}},
      {train({"--clip-norm", "-1"}), {"norm", "-1"}},
      {train({"--patience", "-1"}), {"patience", "-1"}},
      {train({"--best-by", "top2"}), {"--best-by", "top1, top5 or loss"}},
      {train({"--schedule", "step", "--gamma", "nan"}), {"gamma", "nan"}},
      {train({"--schedule", "step", "--step-every", "0"}), {"two steps", "0"}},
      {train({"--warmup", "9"}), {"warm-up", "9"}},
      {train({"--init", "zero"}), {"--init", "he, xavier or identity"}},
      {train({"--save-every", "nan"}), {"checkpoints", "nan"}},
      {train({"--resume", "run"}), {"--model", "--resume"}},
  };
  for (const Case& slip : cases) {
    refuses(slip.arguments, 2, slip.words);
    EXPECT_FALSE(fs::exists(at("run"))) << "after the refusal of " << slip.words.front();
  }
}

TEST_F(ProgramTest, ARefusedRunLeavesNoFolder) {
  refuses({"train", "--model", "flatten, fc 4", "--data", "idx", "--batch", "0"}, 2, {"batch"});
  EXPECT_FALSE(fs::exists(at("runs/network")));
}

TEST_F(ProgramTest, ConfigurationFiles) {
  write_text(at("good.toml"),
             "model = 'flatten, fc 4'\ndata = 'idx'\nout = 'run'\nepochs = 3\nlr = 0.0123456789012\nnesterov = true\n");
  // The command line wins.
  EXPECT_THAT(succeeds({"train", "--config", "good.toml", "--epochs", "1"}).out, HasSubstr("epoch 1/1"));
  const auto config = nlohmann::json::parse(read_text(at("run/config.json")));
  EXPECT_EQ(config["optimizer"]["lr"], 0.0123456789012);
  EXPECT_EQ(config["optimizer"]["nesterov"], true);

  write_text(at("unknown.toml"), "epochs = 1\nepocs = 3\n");
  refuses(train({"--config", "unknown.toml"}), 2, {"unknown.toml, line 2", "'epocs'", "did you mean 'epochs'?"});
  write_text(at("broken.toml"), "epochs = 1\nlr = = 3\n");
  refuses(train({"--config", "broken.toml"}), 2, {"broken.toml, line 2"});
  write_text(at("list.toml"), "epochs = [1]\n");
  refuses(train({"--config", "list.toml"}), 2, {"list.toml", "'epochs'"});
  refuses(train({"--config", "missing.toml"}), 3, {"missing.toml"});
}

// ---- Data ----------------------------------------------------------------------------------------------------------

TEST_F(ProgramTest, BadIdxFilesAreNamed) {
  const std::string images = "train-images-idx3-ubyte";
  const std::string good = read_text(at("idx/" + images));
  const auto spoil = [&](const std::string& name, const std::string& bytes) {
    write_text(copy_idx(name) / images, bytes);
    return train({"--data", name});
  };
  refuses(spoil("truncated", good.substr(0, 1000)), 3, {"truncated/" + images, "cut short"});
  refuses(spoil("oversized", good + "xyz"), 3, {"oversized/" + images, "too long"});
  refuses(spoil("magic", "PK" + good.substr(2)), 3, {"magic/" + images, "not an IDX file"});
  refuses(spoil("nothing", ""), 3, {"nothing/" + images, "cut short"});
  refuses(spoil("huge", good.substr(0, 4) + std::string(12, '\xFF') + good.substr(16)), 3, {"huge/" + images});
  std::string labels = read_text(at("idx/t10k-labels-idx1-ubyte"));
  labels[10] = '\xC8';
  write_text(copy_idx("labels") / "t10k-labels-idx1-ubyte", labels);
  refuses(train({"--data", "labels"}), 3, {"t10k-labels-idx1-ubyte", "200", "out of range"});
  fs::remove(copy_idx("unlabelled") / "train-labels-idx1-ubyte");
  refuses(train({"--data", "unlabelled"}), 3, {"no labels"});
  EXPECT_FALSE(fs::exists(at("run")));
}

TEST_F(ProgramTest, MissingAndUnreadableDataAreNamed) {
  refuses(train({"--data", "no/where"}), 3, {"no/where"});
  refuses({"eval", "nowhere.safetensors", "--data", "idx"}, 3, {"nowhere.safetensors", "No such file"});
  refuses({"eval", "idx", "--data", "idx"}, 3, {"idx", "folder"});
  fs::create_directory(at("bare"));
  refuses(train({"--data", "bare"}), 3, {"bare", "no class folders"});
  if (geteuid() == 0) return;  // root reads everything
  fs::permissions(copy_idx("locked") / "train-images-idx3-ubyte", fs::perms::none);
  refuses(train({"--data", "locked"}), 3, {"locked/train-images-idx3-ubyte", "Permission denied"});
}

const char* const folder_network = "conv 4 3x3, relu, globalavgpool, flatten, fc 2";

TEST_F(ProgramTest, FoldersOfPictures) {
  for (int i = 0; i < 4; ++i) {
    write_picture(at("pictures/dark/" + std::to_string(i) + ".png"), 3, 10 * i);
    write_picture(at("pictures/light/" + std::to_string(i) + ".png"), 3, 150 + 10 * i);
  }
  const auto on_pictures = [](const Arguments& more) {
    Arguments all = {"train", "--model", folder_network, "--data", "pictures", "--epochs", "1", "--out", "run"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  refuses(train({"--data", "pictures/dark/0.png"}), 3, {"pictures/dark/0.png", "single file"});
  refuses(train({"--data", "pictures/dark"}), 3, {"pictures/dark", "no class folders"});

  const std::string png = read_text(at("pictures/dark/0.png"));
  write_text(at("pictures/dark/bad.png"), png.substr(0, png.size() / 2));
  refuses(on_pictures({}), 3, {"pictures/dark/bad.png"});
  write_text(at("pictures/light/bad.jpg"), "\xFF\xD8\xFF\xE0 no more");
  refuses(on_pictures({}), 3, {"bad", "1 more"});
  EXPECT_FALSE(fs::exists(at("run")));

  const ProgramResult skipping = run(on_pictures({"--on-bad-picture", "skip"}));
  EXPECT_EQ(skipping.code, 0) << skipping.err;
  EXPECT_EQ(std::ranges::count(skipping.err, '\n'), 2) << skipping.err;
  EXPECT_THAT(skipping.err, HasSubstr("fovea: warning: skipped: "));
  EXPECT_THAT(skipping.err, HasSubstr("pictures/dark/bad.png"));
  EXPECT_THAT(skipping.err, HasSubstr("pictures/light/bad.jpg"));
  const std::string page = read_text(at("run/report.html"));
  EXPECT_THAT(page, HasSubstr("<dt>warnings</dt><dd>2</dd>"));
  EXPECT_THAT(page, HasSubstr("<li>skipped: "));

  // One bad picture does not hide the answers for the others.
  EXPECT_THAT(refuses({"predict", "run/last.safetensors", "pictures/dark/0.png", "pictures/dark/bad.png"}, 3,
                      {"pictures/dark/bad.png"}),
              HasSubstr("light"));

  fs::create_directory(at("pictures/none"));
  refuses(on_pictures({"--out", "other"}), 3, {"pictures/none", "empty class folder"});
}

TEST_F(ProgramTest, OnePictureOfOneClassIsASmallDataSet) {
  write_picture(at("one/only/a.png"), 1, 0);
  EXPECT_THAT(succeeds({"train", "--model", "flatten, fc 1", "--data", "one", "--epochs", "1", "--out", "run"}).out,
              HasSubstr("warning   class only has a single picture in the train part"));
  EXPECT_THAT(read_text(at("run/report.html")), HasSubstr("<li>class only has a single picture"));
}

TEST_F(ProgramTest, GreyAndColourPicturesSuitAnyNetwork) {
  write_picture(at("colour/a/1.png"), 3, 0);
  write_picture(at("colour/b/2.png"), 3, 200);
  write_picture(at("grey.png"), 1, 90);
  succeeds({"train", "--model", folder_network, "--data", "colour", "--epochs", "1", "--out", "rgb"});
  succeeds({"predict", "rgb/last.safetensors", "grey.png"});
  succeeds(train({"--out", "grey"}));
  succeeds({"predict", "grey/last.safetensors", "colour/a/1.png"});
}

// ---- Networks and model files --------------------------------------------------------------------------------------

TEST_F(ProgramTest, NetworksThatDoNotFitAreRefused) {
  refuses(train({"--model", "conv 4 9x9, flatten, fc 4"}), 4, {"'conv1'", "9x9", "8x8"});
  refuses(train({"--model", "flatten, fc 5"}), 4, {"'fc1'", "5", "4 classes"});
  refuses({"summary", "lenet5", "--input", "3x3x1"}, 4, {"'conv1'", "5x5", "3x3"});
}

TEST_F(ProgramTest, ModelFilesThatDoNotFitAreRefused) {
  succeeds(train({}));
  write_picture(at("two/a/1.png"), 1, 0);
  write_picture(at("two/b/2.png"), 1, 200);
  refuses({"eval", "run/last.safetensors", "--data", "two"}, 3, {"two", "the model knows no class 'a'"});
  refuses(train({"--model", "run/last.safetensors", "--data", "two", "--out", "other"}), 4, {"4", "2 classes"});
  refuses({"eval", "run/last.safetensors"}, 2, {"--data"});
  refuses({"summary", "run/last.safetensors", "--input", "9x9x1"}, 2, {"--input", "run/last.safetensors"});
  succeeds(train({"--model", "run/best.safetensors", "--out", "finer"}));
}

TEST_F(ProgramTest, CorruptModelFilesAreRefused) {
  succeeds(train({}));
  const std::string good = read_text(at("run/best.safetensors"));
  const auto refuses_bytes = [&](const std::string& bytes) {
    write_text(at("bad.safetensors"), bytes);
    refuses({"eval", "bad.safetensors", "--data", "idx"}, 4, {"bad.safetensors"});
  };
  for (const size_t size : {size_t{0}, size_t{7}, size_t{8}, size_t{100}, good.size() / 2, good.size() - 1}) {
    refuses_bytes(good.substr(0, size));
  }
  refuses_bytes(good + "x");
  refuses_bytes(std::string(8, '\xFF') + good.substr(8));
  refuses_bytes(read_text(at("idx/train-images-idx3-ubyte")));
  std::string unknown_op = good;
  const size_t op = unknown_op.find("flatten");
  ASSERT_NE(op, std::string::npos);
  for (size_t i = op; i != std::string::npos; i = unknown_op.find("flatten", i)) unknown_op.replace(i, 7, "fltaten");
  refuses_bytes(unknown_op);
}

TEST_F(ProgramTest, HostileSafetensorsAreRefused) {
  const fs::path vectors = fs::absolute(test_data() / "checkpoints/safetensors_vectors");
  if (!fs::exists(vectors)) GTEST_SKIP() << "no reference data in " << test_data();
  for (const fs::directory_entry& entry : fs::directory_iterator(vectors)) {
    if (entry.path().extension() != ".safetensors") continue;
    refuses({"eval", entry.path().string(), "--data", "idx"}, 4, {entry.path().filename().string()});
  }
}

// ---- Output --------------------------------------------------------------------------------------------------------

TEST_F(ProgramTest, ReportsCanBeParsed) {
  succeeds(train({}));
  write_picture(at("a,b.png"), 1, 50);
  const std::string model = "run/best.safetensors";
  const std::vector<Arguments> commands = {
      {"eval", model, "--data", "idx"}, {"predict", model, "a,b.png"}, {"summary", model}, {"zoo"}, {"doctor"}};
  for (Arguments command : commands) {
    SCOPED_TRACE(command[0]);
    succeeds(command);
    command.insert(command.end(), {"--format", "json"});
    EXPECT_TRUE(nlohmann::json::accept(succeeds(command).out));
    command.back() = "csv";
    std::istringstream rows(succeeds(command).out);
    std::string header;
    ASSERT_TRUE(std::getline(rows, header));
    const auto fields = [](const std::string& row) {
      bool quoted = false;
      return std::ranges::count_if(row, [&](char c) {
        if (c == '"') quoted = !quoted;
        return c == ',' && !quoted;
      });
    };
    int count = 0;
    for (std::string row; std::getline(rows, row); ++count) EXPECT_EQ(fields(row), fields(header)) << row;
    EXPECT_GT(count, 0);
  }
  EXPECT_THAT(succeeds({"eval", model, "--data", "idx", "--confusion"}).out, HasSubstr("recall"));
}

TEST_F(ProgramTest, EvalTellsOfClassesMistakesAndEnsembles) {
  succeeds(train({}));
  const auto eval = [&](const Arguments& more) {
    Arguments all = {"eval", "run/best.safetensors", "--data", "idx"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  EXPECT_THAT(succeeds(eval({"--per-class"})).out, testing::AllOf(HasSubstr("AUC"), HasSubstr("mean")));
  EXPECT_THAT(succeeds(eval({"--per-class", "--format", "csv"})).out,
              StartsWith("class,items,precision,recall,f1,auc"));
  const auto report = nlohmann::json::parse(succeeds(eval({"--mistakes", "2", "--format", "json"})).out);
  EXPECT_EQ(report["per_class"].size(), 4U);
  EXPECT_EQ(report["calibration"]["bins"].size(), 15U);
  const int64_t wrong = 20 - std::llround(report["top1"].get<double>() * 20);
  EXPECT_EQ(std::ssize(report["mistakes"]), std::min<int64_t>(2, wrong));
  // A network beside itself says what it says alone.
  const auto pair =
      nlohmann::json::parse(succeeds(eval({"--ensemble", "run/best.safetensors", "--format", "json"})).out);
  EXPECT_EQ(pair["confusion"], report["confusion"]);
  EXPECT_THAT(succeeds(eval({"--ensemble", "run/best.safetensors", "run/last.safetensors"})).out,
              HasSubstr("ensemble of 3"));
  refuses(eval({"--mistakes", "-1"}), 2, {"--mistakes", "-1"});
  refuses(eval({"--mistakes", "1", "--per-class", "--format", "csv"}), 2, {"one table"});
}

TEST_F(ProgramTest, OutputThatCannotBeWrittenIsAnError) {
  const FileDescriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  const FileDescriptor err = open_output(at("err"));
  EXPECT_EQ(Program(folder_.path(), {"summary", "lenet5"}, full.get(), err.get()).wait(), 3);
  EXPECT_EQ(read_text(at("err")), "fovea: cannot write to standard output: No space left on device\n");
}

}  // namespace
}  // namespace fovea
