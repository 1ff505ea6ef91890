#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "pictures.h"
#include "program.h"

// `fovea data`: looking at, splitting, packing and fetching labelled pictures.
namespace fovea {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

void put_picture(const fs::path& path, int seed) {
  fs::create_directories(path.parent_path());
  Image image = gradient(12, 10, 3);
  for (uint8_t& sample : image.pixels) sample = static_cast<uint8_t>(sample + 3 * seed);
  write_png(path, image);
}

class DataProgram : public ::testing::Test {
 protected:
  DataProgram() {
    setenv("FOVEA_THREADS", "1", 1);
    for (int i = 0; i < 10; ++i) {
      put_picture(folder_ / "set/cat" / (std::to_string(i) + ".png"), i);
      put_picture(folder_ / "set/dog" / (std::to_string(i) + ".png"), i + 20);
    }
  }

  ProgramResult run(const Arguments& arguments) { return run_program(folder_.path(), arguments); }
  std::string succeeds(const Arguments& arguments) {
    const ProgramResult result = run(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    return result.out;
  }
  // One line on standard error, and the exit code.
  std::string fails(int code, const Arguments& arguments) {
    const ProgramResult result = run(arguments);
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    return result.err;
  }

  TempFolder folder_;
};

TEST_F(DataProgram, InfoTellsOfCountsSizesAndTrouble) {
  put_picture(folder_ / "set/dog/same.png", 3);
  write_text(folder_ / "set/cat/broken.jpg", "");
  const std::string text = succeeds({"data", "info", "set"});
  EXPECT_THAT(text,
              AllOf(HasSubstr("21 pictures in 2 classes"), HasSubstr("1 groups of equal pictures"),
                    HasSubstr("in different classes"), HasSubstr("broken.jpg is not a usable picture: it is empty")));
  const auto json = nlohmann::json::parse(succeeds({"data", "info", "set", "--format", "json"}));
  EXPECT_EQ(json["parts"][0]["class_counts"], (std::vector<int>{10, 11}));
  EXPECT_EQ(json["parts"][0]["heights"], (std::vector<int>{12, 12, 12}));
  EXPECT_EQ(json["duplicates"].size(), 1U);
  EXPECT_EQ(json["warnings"].size(), 1U);
  EXPECT_EQ(succeeds({"data", "info", "set", "--format", "csv"}), "part,class,pictures\ntrain,cat,10\ntrain,dog,11\n");
}

TEST_F(DataProgram, PreviewShowsPicturesAndWhatBecomesOfThem) {
  succeeds({"data", "preview", "set", "--count", "4", "--side", "20", "--out", "plain.png"});
  EXPECT_EQ(read_image(folder_ / "plain.png").height, 28);
  const std::string out = succeeds({"data", "preview", "set", "--count", "4", "--side", "20", "--out", "changed.png",
                                    "--augment", "pad 2, crop 12x10, flip, rotate 20"});
  EXPECT_THAT(out, AllOf(HasSubstr("cat  "), HasSubstr("dog  "), HasSubstr("written   changed.png")));
  const Image changed = read_image(folder_ / "changed.png");
  EXPECT_EQ(changed.height, 4 * 24 + 4);
  EXPECT_EQ(changed.width, 8 * 24 + 4);
  EXPECT_THAT(fails(2, {"data", "preview", "set", "--augment", "spin"}), HasSubstr("there is no step 'spin'"));
  EXPECT_THAT(fails(2, {"data", "preview", "set", "--count", "0"}), HasSubstr("--count"));
}

TEST_F(DataProgram, SplitAndPackMakeDataSets) {
  EXPECT_THAT(succeeds({"data", "split", "set", "--out", "lists", "--fraction", "0.3"}),
              HasSubstr("14 pictures to train on, 6 to validate"));
  EXPECT_THAT(succeeds({"data", "info", "lists"}), AllOf(HasSubstr("14 pictures"), HasSubstr("6 pictures")));
  succeeds({"data", "pack", "lists", "--out", "packed.safetensors", "--side", "8"});
  const auto json = nlohmann::json::parse(succeeds({"data", "info", "packed.safetensors", "--format", "json"}));
  EXPECT_EQ(json["classes"], (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(json["parts"][1]["class_counts"], (std::vector<int>{3, 3}));
  EXPECT_EQ(json["parts"][0]["widths"], (std::vector<int>{8, 8, 8}));
  EXPECT_THAT(
      succeeds({"train", "--data", "packed.safetensors", "--model", "conv 4 3x3, relu, flatten, fc 2", "--epochs", "1",
                "--batch", "4", "--augment", "pad 1, crop 8, flip, mixup 0.2", "--out", "run"}),
      HasSubstr("14 pictures of 8x8x3"));
  EXPECT_THAT(read_text(folder_ / "run/config.json"), HasSubstr("pad 1, crop 8, flip, mixup 0.2"));
  EXPECT_THAT(succeeds({"eval", "run/best.safetensors", "--data", "set", "--tta", "scales 8 9, five, flip"}),
              HasSubstr("of 20 right"));
  EXPECT_THAT(succeeds({"predict", "run/best.safetensors", "set/cat/1.png", "--tta", "flip"}), HasSubstr("%"));
  EXPECT_THAT(fails(2, {"eval", "run/best.safetensors", "--data", "set", "--tta", "spin"}), HasSubstr("'spin'"));
  EXPECT_THAT(fails(2, {"eval", "run/best.safetensors", "--data", "set", "--shorter-side", "4"}),
              HasSubstr("shorter side must be resized to 8"));
  EXPECT_THAT(fails(2, {"data", "pack", "set", "--out", "x.bin"}), HasSubstr("must end in .safetensors"));
}

TEST_F(DataProgram, SlipsAreNamed) {
  EXPECT_THAT(fails(2, {"data"}), HasSubstr("info|preview|split|pack|fetch"));
  EXPECT_THAT(fails(2, {"data", "inspect", "set"}), HasSubstr("info, preview, split, pack or fetch"));
  EXPECT_THAT(fails(2, {"data", "info"}), HasSubstr("name a data set"));
  EXPECT_THAT(fails(2, {"data", "split", "set"}), HasSubstr("--out"));
  EXPECT_THAT(fails(2, {"data", "fetch", "cifar10"}), HasSubstr("did you mean 'cifar-10'?"));
  EXPECT_THAT(fails(2, {"data", "fetch", "http://127.0.0.1:1/x.tar"}), HasSubstr("needs --checksum"));
  EXPECT_THAT(fails(2, {"data", "fetch", "http://127.0.0.1:1/x.tar", "--checksum", "crc:1", "--data-dir", "d"}),
              HasSubstr("md5:... or sha256:..."));
}

// ---- Fetching ------------------------------------------------------------------------------------------------------

// Serves files by HTTP on the loopback interface, whole or from an offset on.
class FileServer {
 public:
  FileServer() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(socket_.get(), generic, size), 0);
    EXPECT_EQ(listen(socket_.get(), 8), 0);
    EXPECT_EQ(getsockname(socket_.get(), generic, &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~FileServer() {
    shutdown(socket_.get(), SHUT_RDWR);
    thread_.join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }
  void put(const std::string& name, std::string content) {
    const std::lock_guard lock(mutex_);
    files_[name] = std::move(content);
  }
  // The next answers end after so many bytes of content.
  void cut_after(size_t bytes) { cut_ = bytes; }
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve() {
    for (;;) {
      const FileDescriptor client(accept(socket_.get(), nullptr, nullptr));
      if (!client.is_open()) return;
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t count = read(client.get(), buffer, sizeof(buffer));
        if (count <= 0) break;
        request.append(buffer, static_cast<size_t>(count));
      }
      const std::string reply = answer(request);
      for (size_t at = 0; at < reply.size();) {
        const ssize_t count = send(client.get(), reply.data() + at, reply.size() - at, MSG_NOSIGNAL);
        if (count <= 0) break;
        at += static_cast<size_t>(count);
      }
    }
  }

  std::string answer(const std::string& request) {
    const std::lock_guard lock(mutex_);
    const std::string name = request.substr(5, request.find(' ', 5) - 5);
    size_t from = 0;
    if (const size_t range = request.find("Range: bytes="); range != std::string::npos) {
      from = std::stoul(request.substr(range + 13));
    }
    requests_.push_back(name + "@" + std::to_string(from));
    const auto file = files_.find(name);
    if (file == files_.end()) return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    const std::string& content = file->second;
    if (from >= content.size() && from > 0) {
      return "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    }
    std::string reply = from > 0
                            ? "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " + std::to_string(from) + "-" +
                                  std::to_string(content.size() - 1) + "/" + std::to_string(content.size()) + "\r\n"
                            : std::string("HTTP/1.1 200 OK\r\n");
    reply += "Content-Length: " + std::to_string(content.size() - from) + "\r\nConnection: close\r\n\r\n";
    return reply + content.substr(from, cut_);
  }

  FileDescriptor socket_;
  int port_ = 0;
  std::mutex mutex_;
  std::map<std::string, std::string> files_;
  std::vector<std::string> requests_;
  std::atomic<size_t> cut_{std::string::npos};
  std::thread thread_;
};

class FetchProgram : public DataProgram {
 protected:
  FetchProgram() {
    const std::string tar =
        "tar -C '" + folder_.path().string() + "' -czf '" + (folder_ / "set.tar.gz").string() + "' set";
    EXPECT_EQ(std::system(tar.c_str()), 0);
    archive_ = read_text(folder_ / "set.tar.gz");
    const std::string sum =
        "sha256sum '" + (folder_ / "set.tar.gz").string() + "' > '" + (folder_ / "sum").string() + "'";
    EXPECT_EQ(std::system(sum.c_str()), 0);
    checksum_ = "sha256:" + read_text(folder_ / "sum").substr(0, 64);
    server_.put("set.tar.gz", archive_);
  }

  Arguments fetch(const std::string& file = "set.tar.gz") {
    return {"data", "fetch", server_.url() + file, "--checksum", checksum_, "--data-dir", "fetched"};
  }

  FileServer server_;
  std::string archive_, checksum_;
};

TEST_F(FetchProgram, ChecksUnpacksAndPlaces) {
  EXPECT_THAT(succeeds(fetch()), HasSubstr("fetched/set"));
  EXPECT_THAT(succeeds({"data", "info", "fetched/set"}), HasSubstr("20 pictures"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "fetched"), {}), 1);  // nothing is left beside it
  EXPECT_THAT(succeeds(fetch()), HasSubstr("there already"));
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(FetchProgram, GoesOnWhereItWasCutOff) {
  server_.cut_after(1000);
  EXPECT_THAT(fails(3, fetch()), AllOf(HasSubstr("cannot fetch set.tar.gz"), HasSubstr("127.0.0.1")));
  EXPECT_EQ(fs::file_size(folder_ / "fetched/set.tar.gz.download"), 1000U);
  server_.cut_after(std::string::npos);
  succeeds(fetch());
  EXPECT_THAT(server_.requests(), ::testing::ElementsAre("set.tar.gz@0", "set.tar.gz@1000"));
  EXPECT_THAT(succeeds({"data", "info", "fetched/set"}), HasSubstr("20 pictures"));
}

TEST_F(FetchProgram, RefusesDamageAndKeepsNothingOfIt) {
  std::string damaged = archive_;
  damaged[damaged.size() / 2] ^= 1;
  server_.put("set.tar.gz", damaged);
  EXPECT_THAT(fails(3, fetch()), HasSubstr("it came damaged: its checksum is sha256:"));
  EXPECT_TRUE(fs::is_empty(folder_ / "fetched"));
  EXPECT_THAT(fails(3, fetch("none.tar.gz")), HasSubstr("404"));
  EXPECT_TRUE(fs::is_empty(folder_ / "fetched"));
}

TEST_F(FetchProgram, KnownDataSetsComeFromAMirrorAndAreChecked) {
  server_.put("train-images-idx3-ubyte.gz", "not the real one");
  EXPECT_THAT(
      fails(3, {"data", "fetch", "mnist", "--mirror", server_.url(), "--data-dir", "fetched"}),
      AllOf(HasSubstr("cannot fetch train-images-idx3-ubyte.gz"), HasSubstr("expected md5:f68b3c2dcbeaaa9fbdd3")));
}

TEST_F(FetchProgram, RefusesArchivesThatReachOutside) {
  const std::string tar =
      "cd '" + folder_.path().string() + "/set' && tar -cPf ../evil.tar ../sum && sha256sum ../evil.tar > ../sum2";
  ASSERT_EQ(std::system(tar.c_str()), 0);
  server_.put("evil.tar", read_text(folder_ / "evil.tar"));
  checksum_ = "sha256:" + read_text(folder_ / "sum2").substr(0, 64);
  EXPECT_THAT(fails(3, fetch("evil.tar")), HasSubstr("it names a place outside: ../sum"));
  EXPECT_FALSE(fs::exists(folder_ / "fetched/sum"));
  EXPECT_TRUE(fs::is_empty(folder_ / "fetched"));
}

}  // namespace
}  // namespace fovea
