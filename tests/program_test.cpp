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
  for (const char* command : {"train", "eval", "report", "predict", "search", "features", "search-images", "compress",
                              "filter", "summary", "zoo", "inspect", "convert", "run", "bench", "doctor"}) {
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
      {train({"--init", "zero"}), {"--init", "he or xavier"}},
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

TEST_F(ProgramTest, LossesAndLimitsOfWeights) {
  succeeds(train({"--loss", "hinge", "--max-norm", "2"}));
  EXPECT_THAT(read_text(at("run/config.json")), testing::AllOf(HasSubstr("\"hinge\""), HasSubstr("\"max_norm\": 2")));
  fs::remove_all(at("run"));
  succeeds(train({"--label-smoothing", "0.1"}));
  EXPECT_THAT(read_text(at("run/config.json")), HasSubstr("\"label_smoothing\": 0.1"));
}

TEST_F(ProgramTest, OptimisersSchedulesAndRules) {
  succeeds(train({"--optimizer",
                  "adamw beta2 0.95",
                  "--lr",
                  "0.002",
                  "--schedule",
                  "one-cycle peak 0.2",
                  "--ema",
                  "0.9",
                  "--accumulate",
                  "2",
                  "--batch",
                  "8",
                  "--clip-norm",
                  "1",
                  "--lookahead",
                  "5",
                  "--decay",
                  "weights",
                  "--layer-rates",
                  "fc1.weight 0.5, fc1.* 2x",
                  "--head-lr",
                  "3x",
                  "--checkpoint-every",
                  "1"}));
  const auto config = nlohmann::json::parse(read_text(at("run/config.json")));
  EXPECT_EQ(config["optimizer"]["type"], "adamw");
  EXPECT_EQ(config["optimizer"]["beta2"], 0.95);
  EXPECT_EQ(config["optimizer"]["lr"], 0.002);
  EXPECT_EQ(config["schedule"]["peak"], 0.2);
  EXPECT_EQ(config["rules"]["rates"].size(), 4U);
  EXPECT_TRUE(fs::exists(at("run/epoch-0001.safetensors")));
  EXPECT_THAT(succeeds({"train", "--resume", "run", "--epochs", "2"}).out, HasSubstr("epoch 2/2"));
}

TEST_F(ProgramTest, TransferGivesANewHead) {
  const Arguments network = {"--model", "conv 2 3x3, relu, flatten, fc 4"};
  succeeds(train(network));
  write_picture(at("pictures/a/0.png"), 1, 10);
  write_picture(at("pictures/a/1.png"), 1, 20);
  write_picture(at("pictures/b/0.png"), 1, 200);
  write_picture(at("pictures/b/1.png"), 1, 210);
  const Arguments transfer = {"train",    "--model",   "conv 2 3x3, relu, flatten, fc 2",
                              "--input",  "8x8x1",     "--data",
                              "pictures", "--weights", "run/best.safetensors",
                              "--out",    "second",    "--epochs",
                              "1",        "--freeze",  "conv1.*"};
  EXPECT_THAT(
      succeeds(transfer).out,
      HasSubstr("weights from run/best.safetensors; new head for 2 classes instead of 4: fc1.weight, fc1.bias"));
  const auto first = SafetensorsFile::open(at("run/best.safetensors")).read_f32("conv1.weight");
  const auto second = SafetensorsFile::open(at("second/last.safetensors")).read_f32("conv1.weight");
  EXPECT_TRUE(std::ranges::equal(first.values(), second.values()));
  refuses(train({"--weights", "run/best.safetensors", "--out", "third"}), 4, {"conv1.weight", "fc1.weight"});
}

TEST_F(ProgramTest, TrainsOnSomeOfThePictures) {
  EXPECT_THAT(succeeds(train({"--train-items", "12"})).out, HasSubstr("12 of 40"));
  EXPECT_THAT(succeeds({"train", "--resume", "run", "--epochs", "2"}).out, HasSubstr("12 of 40"));
  refuses(train({"--train-items", "41", "--out", "other"}), 2, {"--train-items", "between 1 and 40", "41"});
  refuses(train({"--train-items", "-1", "--out", "other"}), 2, {"--train-items", "-1"});
}

TEST_F(ProgramTest, FindsALearningRate) {
  EXPECT_THAT(succeeds(train({"--find-lr", "rates.svg"})).out, HasSubstr("suggested"));
  EXPECT_THAT(read_text(at("rates.svg")), HasSubstr("<svg"));
  EXPECT_FALSE(fs::exists(at("run")));
}

TEST_F(ProgramTest, AHugeBatchIsTheWholeSet) { succeeds(train({"--batch", "99999999999"})); }

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

  // One bad picture does not hide the answers for the others.
  EXPECT_THAT(refuses({"predict", "run/last.safetensors", "pictures/dark/0.png", "pictures/dark/bad.png"}, 3,
                      {"pictures/dark/bad.png"}),
              HasSubstr("light"));

  fs::create_directory(at("pictures/none"));
  refuses(on_pictures({"--out", "other"}), 3, {"pictures/none", "empty class folder"});
}

TEST_F(ProgramTest, OnePictureOfOneClassIsASmallDataSet) {
  write_picture(at("one/only/a.png"), 1, 0);
  succeeds({"train", "--model", "flatten, fc 1", "--data", "one", "--epochs", "1", "--out", "run"});
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

// ---- Training ------------------------------------------------------------------------------------------------------

TEST_F(ProgramTest, DivergenceKeepsTheLastGoodCheckpoint) {
  refuses(train({"--model", "flatten, fc 16, relu, fc 4", "--lr", "1e30", "--batch", "8"}), 1,
          {"epoch 1, step", "first node", "lower learning rate", "run/last.safetensors"});
  succeeds({"eval", "run/last.safetensors", "--data", "idx"});
}

TEST_F(ProgramTest, ImpossibleRunFoldersAreRefused) {
  write_text(at("file"), "x");
  refuses(train({"--out", "file"}), 3, {"file"});
  refuses(train({"--out", "file/run"}), 3, {"file/run", "Not a directory"});
  EXPECT_EQ(read_text(at("file")), "x");
  refuses(train({"--out", "idx"}), 2, {"idx", "not empty"});
  refuses({"train", "--resume", "idx"}, 3, {"idx", "no training run"});
  refuses({"train", "--resume", "nowhere"}, 3, {"nowhere", "no training run"});
}

TEST_F(ProgramTest, ADiskThatFillsUpKeepsTheOldCheckpoint) {
  fs::create_directory(at("disk"));
  const TempFolder outputs;
  const FileDescriptor out = open_output(outputs / "out");
  const FileDescriptor err = open_output(outputs / "err");
  const int status = status_of_child([&] {
    // Room for the first checkpoint (22 KB), but not for the best weights and a second one beside it.
    if (!mount_small_disk(at("disk"), "size=60k")) return cannot_set_up;
    const Arguments arguments = train({"--model", "flatten, fc 40, relu, fc 4", "--out", "disk/run"});
    if (Program(folder_.path(), arguments, out.get(), err.get()).wait() != 3) return 1;
    const Arguments judge = {"eval", "disk/run/last.safetensors", "--data", "idx"};
    return Program(folder_.path(), judge, out.get(), out.get()).wait() == 0 ? 0 : 2;
  });
  if (WEXITSTATUS(status) == cannot_set_up) GTEST_SKIP() << "mounting a small disk needs root";
  const std::string message = read_text(outputs / "err");
  EXPECT_EQ(status, 0) << message;
  EXPECT_THAT(message, HasSubstr("fovea: cannot write disk/run/last.safetensors"));
  EXPECT_THAT(message, HasSubstr("No space left on device"));
  EXPECT_EQ(std::ranges::count(message, '\n'), 1) << message;
}

using Tensors = std::vector<std::pair<std::string, std::vector<float>>>;

Tensors tensors_in(const fs::path& path) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  Tensors tensors;
  for (const SafetensorsEntry& entry : file.entries()) {
    const Tensor tensor = file.read_f32(entry.name);
    tensors.emplace_back(entry.name, std::vector<float>(tensor.values().begin(), tensor.values().end()));
  }
  return tensors;
}

// Runs that are cut short while they show their progress.
class InterruptedProgramTest : public ProgramTest {
 protected:
  enum class End { interrupt, close_pipe };

  // More epochs than a pipe of one page can take the lines of: the run cannot end before the test lets it.
  static Arguments long_run(const std::string& out) { return train({"--out", out, "--epochs", "60", "--batch", "8"}); }

  // Ends the run once it has shown its first epoch. Returns the exit code.
  int cut_short(End end) const {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    FileDescriptor reader(ends[0]);
    FileDescriptor writer(ends[1]);
    EXPECT_GE(fcntl(reader.get(), F_SETPIPE_SZ, 4096), 4096);
    const FileDescriptor err = open_output(at("err"));
    const Program program(folder_.path(), long_run("cut"), writer.get(), err.get());
    writer.reset();
    std::string shown;
    char buffer[256];
    for (ssize_t count = 1; count > 0;) {
      count = ::read(reader.get(), buffer, sizeof buffer);
      if (count > 0) shown.append(buffer, static_cast<size_t>(count));
      if (shown.find("loss") == std::string::npos) continue;
      if (end == End::close_pipe) break;
      program.interrupt();
      while (::read(reader.get(), buffer, sizeof buffer) > 0) continue;
      break;
    }
    reader.reset();
    return program.wait();
  }

  void expect_resumes_exactly() const {
    const std::string message = read_text(at("err"));
    EXPECT_THAT(message, StartsWith("fovea: interrupted in epoch "));
    EXPECT_THAT(message, HasSubstr("fovea train --resume cut"));
    EXPECT_EQ(std::ranges::count(message, '\n'), 1) << message;
    succeeds(long_run("whole"));
    refuses({"train", "--resume", "cut", "--lr", "1"}, 2, {"--lr", "--resume"});
    fs::create_directory(at("elsewhere"));
    const ProgramResult rest = run_program(at("elsewhere"), {"train", "--resume", "../cut"});
    EXPECT_EQ(rest.code, 0) << rest.err;
    EXPECT_THAT(rest.out, HasSubstr("epoch 60/60"));
    EXPECT_EQ(tensors_in(at("cut/last.safetensors")), tensors_in(at("whole/last.safetensors")));
    EXPECT_EQ(tensors_in(at("cut/best.safetensors")), tensors_in(at("whole/best.safetensors")));
  }
};

TEST_F(InterruptedProgramTest, CtrlCSavesAndResumesExactly) {
  EXPECT_EQ(cut_short(End::interrupt), 130);
  expect_resumes_exactly();
}

TEST_F(InterruptedProgramTest, AReaderThatLeavesSavesAndResumesExactly) {
  EXPECT_EQ(cut_short(End::close_pipe), 130);
  expect_resumes_exactly();
}

TEST_F(ProgramTest, ResumeMayRaiseTheEpochs) {
  succeeds(train({}));
  EXPECT_THAT(succeeds({"train", "--resume", "run", "--epochs", "2"}).out, HasSubstr("epoch 2/2"));
}

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

TEST_F(ProgramTest, TrainingEndsWithAReport) {
  EXPECT_THAT(succeeds(train({"--validation-split", "0.25"})).out, HasSubstr("report    run/report.html"));
  const auto judged_by = HasSubstr("<dd>12 pictures</dd>");  // 3 of the 10 of each class
  EXPECT_TRUE(testing::Value(read_text(at("run/report.html")), judged_by));
  fs::remove(at("run/report.html"));
  EXPECT_EQ(succeeds({"report", "run"}).out, "run/report.html\n");
  EXPECT_TRUE(testing::Value(read_text(at("run/report.html")), judged_by));
  refuses({"report"}, 2, {"folder of a training run"});
  refuses({"report", "idx"}, 3, {"idx", "no training run"});
}

TEST_F(ProgramTest, NetworksByNameComeInVariants) {
  EXPECT_THAT(succeeds({"summary", "mobilenet_v2", "--width", "0.5"}).out, HasSubstr("1,968,680"));
  const std::string with_heads = succeeds({"summary", "googlenet", "--aux-logits"}).out;
  EXPECT_THAT(with_heads, HasSubstr("13,004,888"));
  refuses({"summary", "resnet18", "--width", "0.5"}, 2, {"resnet18", "one width"});
  refuses({"summary", "resnet18", "--aux-logits"}, 2, {"resnet18", "no auxiliary heads"});
  refuses({"summary", "flatten, fc 4", "--input", "4x4x1", "--width", "2"}, 2, {"--width", "flatten, fc 4"});
}

TEST_F(ProgramTest, OutputThatCannotBeWrittenIsAnError) {
  const FileDescriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  const FileDescriptor err = open_output(at("err"));
  EXPECT_EQ(Program(folder_.path(), {"summary", "lenet5"}, full.get(), err.get()).wait(), 3);
  EXPECT_EQ(read_text(at("err")), "fovea: cannot write to standard output: No space left on device\n");
}

}  // namespace
}  // namespace fovea
