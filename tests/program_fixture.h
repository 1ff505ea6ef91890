#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "fovea/image.h"
#include "program.h"

// The program in a folder with small data sets.
namespace fovea {

// ---- Small data sets -----------------------------------------------------------------------------------------------

inline std::string big_endian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> static_cast<uint32_t>(shift));
  return bytes;
}

// 8x8 grey pictures of 4 classes, brighter from class to class.
inline void write_idx(const std::filesystem::path& folder, const std::string& part, uint32_t count) {
  std::string images("\0\0\x08\x03", 4);
  std::string labels("\0\0\x08\x01", 4);
  images += big_endian(count) + big_endian(8) + big_endian(8);
  labels += big_endian(count);
  for (uint32_t i = 0; i < count; ++i) {
    for (uint32_t pixel = 0; pixel < 64; ++pixel) {
      images += static_cast<char>(i % 4 * 50 + (i * 31 + pixel * 17) % 60);
    }
    labels += static_cast<char>(i % 4);
  }
  write_text(folder / (part + "-images-idx3-ubyte"), images);
  write_text(folder / (part + "-labels-idx1-ubyte"), labels);
}

inline void write_picture(const std::filesystem::path& path, int channels, int brightness) {
  std::filesystem::create_directories(path.parent_path());
  Image image{12, 10, channels, {}};
  for (int i = 0; i < 12 * 10 * channels; ++i) image.pixels.push_back(static_cast<uint8_t>(brightness + i % 40));
  write_png(path, image);
}

// Data: idx (40 training and 20 test pictures of four classes).
class ProgramTest : public testing::Test {
 protected:
  ProgramTest() {
    setenv("FOVEA_THREADS", "1", 1);
    std::filesystem::create_directory(folder_ / "idx");
    write_idx(folder_ / "idx", "train", 40);
    write_idx(folder_ / "idx", "t10k", 20);
  }

  ProgramResult run(const Arguments& arguments) const { return run_program(folder_.path(), arguments); }

  static Arguments train(const Arguments& more) {
    Arguments all = {"train", "--model", "flatten, fc 4", "--data", "idx", "--out", "run", "--epochs", "1"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  // Runs the program and expects its end in one clear line; returns what it printed before.
  std::string refuses(const Arguments& arguments, int code, const std::vector<std::string>& words) const {
    const ProgramResult result = run(arguments);
    std::string shown;
    for (const std::string& argument : arguments) shown += argument + " ";
    SCOPED_TRACE(shown);
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_THAT(result.err, testing::StartsWith("fovea: "));
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    for (const std::string& word : words) EXPECT_THAT(result.err, testing::HasSubstr(word));
    return result.out;
  }

  ProgramResult succeeds(const Arguments& arguments) const {
    ProgramResult result = run(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    return result;
  }

  std::filesystem::path at(const std::string& name) const { return folder_ / name; }

  // A copy of the good data set, to be spoiled.
  std::filesystem::path copy_idx(const std::string& name) const {
    std::filesystem::copy(folder_ / "idx", folder_ / name);
    return folder_ / name;
  }

  TempFolder folder_;
};

}  // namespace fovea
