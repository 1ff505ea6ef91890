#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "fovea/image.h"
#include "fovea/safetensors.h"
#include "program_fixture.h"

// `fovea train` as users meet it: what it is told, what it leaves, how it is cut short and goes on.
namespace fovea {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

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

TEST_F(ProgramTest, BeginsWithIdentityAndWhitenedPatches) {
  succeeds(train({"--model", "conv 8 2x2, relu, conv 8 3x3 pad 1, relu, flatten, fc 4", "--init", "identity",
                  "--whiten", "conv1", "--freeze", "conv1.weight, conv2.weight"}));
  const auto file = SafetensorsFile::open(at("run/last.safetensors"));
  const Tensor whitened = file.read_f32("conv1.weight");  // four directions and their negatives
  const Tensor identity = file.read_f32("conv2.weight");
  for (int64_t i = 0; i < 16; ++i) EXPECT_EQ(whitened[i], -whitened[16 + i]);
  for (int64_t i = 0; i < identity.size(); ++i) EXPECT_EQ(identity[i], i % 9 == 4 && i / 9 % 9 == 0 ? 1 : 0) << i;
  refuses(train({"--out", "other", "--model", "conv 8 2x2, flatten, fc 4", "--whiten", "conv2"}), 2,
          {"no convolution 'conv2'", "conv1"});
  refuses({"train", "--model", "run/best.safetensors", "--data", "idx", "--whiten", "conv1", "--out", "third"}, 2,
          {"--whiten", "new networks"});
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

TEST_F(ProgramTest, FindsABatch) {
  const std::string out = succeeds(train({"--find-batch"})).out;
  EXPECT_THAT(out, testing::AllOf(HasSubstr("images/s"), HasSubstr("suggested"), HasSubstr("largest   40")));
  EXPECT_FALSE(fs::exists(at("run")));
}

TEST_F(ProgramTest, AHugeBatchIsTheWholeSet) { succeeds(train({"--batch", "99999999999"})); }

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
}  // namespace
}  // namespace fovea
