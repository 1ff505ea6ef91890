#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fovea/image.h"

// Pictures for tests.
namespace fovea {

inline std::vector<uint8_t> from_hex(const std::string& text) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i < text.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoi(text.substr(i, 2), nullptr, 16)));
  return bytes;
}

inline Image image_of(const nlohmann::json& json) {
  return {json.at("height"), json.at("width"), json.at("channels"), from_hex(json.at("pixels"))};
}

inline nlohmann::json golden_file(const char* name) {
  std::ifstream file(std::filesystem::path(FOVEA_TEST_DIR) / "golden" / name);
  return nlohmann::json::parse(file);
}

inline void expect_within(const Image& got, const Image& expected, int tolerance) {
  ASSERT_EQ(got.height, expected.height);
  ASSERT_EQ(got.width, expected.width);
  ASSERT_EQ(got.channels, expected.channels);
  ASSERT_EQ(got.pixels.size(), expected.pixels.size());
  for (size_t i = 0; i < got.pixels.size(); ++i)
    ASSERT_NEAR(got.pixels[i], expected.pixels[i], tolerance) << "at " << i;
}

// Every sample the same.
inline Image plain(int height, int width, int channels, uint8_t value) {
  return {height, width, channels, std::vector<uint8_t>(static_cast<size_t>(height * width * channels), value)};
}

// Every sample another value than its neighbours.
inline Image gradient(int height, int width, int channels) {
  Image image{height, width, channels, {}};
  for (int i = 0; i < height * width * channels; ++i) image.pixels.push_back(static_cast<uint8_t>(i * 7));
  return image;
}

}  // namespace fovea
