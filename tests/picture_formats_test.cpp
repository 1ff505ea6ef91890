#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "data/codec.h"
#include "fovea/data.h"
#include "pictures.h"
#include "test_files.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Bytes = std::vector<uint8_t>;

std::string refusal(const Bytes& bytes) {
  return error_of(ErrorKind::data, [&] { decode_image(bytes, "odd"); });
}

Bytes bytes_of_text(std::string_view text) { return {text.begin(), text.end()}; }

TEST(PictureFormats, ReadAsPillowDoes) {
  for (const auto& test : golden_file("formats.json")) {
    const std::string name = test.at("name");
    SCOPED_TRACE(name);
    const bool lossy = name.starts_with("JPEG") || name == "WebP lossy";  // other versions may round differently
    const Image image = decode_image(from_hex(test.at("file")), name, test.at("enough"));
    expect_within(image, image_of(test.at("output")), lossy ? 2 : 0);
  }
}

TEST(PictureFormats, CutShortAnywhereAreRefused) {
  for (const auto& test : golden_file("formats.json")) {
    const Bytes whole = from_hex(test.at("file"));
    const std::string name = test.at("name");
    if (name.starts_with("PGM of text") || name.starts_with("PPM of text")) continue;  // the last number only shrinks
    for (size_t size = 1; size + 1 < whole.size(); ++size) {
      const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_THAT(refusal(part), HasSubstr("odd is not a usable picture: ")) << name << " cut at " << size;
    }
  }
}

TEST(PictureFormats, DamageIsAPictureOrARefusal) {
  for (const auto& test : golden_file("formats.json")) {
    const Bytes whole = from_hex(test.at("file"));
    for (size_t at = 0; at < std::min<size_t>(whole.size(), 160); ++at) {
      for (const uint8_t value : {uint8_t{0}, uint8_t{0x7F}, uint8_t{0xFF}, static_cast<uint8_t>(whole[at] ^ 1)}) {
        Bytes damaged = whole;
        damaged[at] = value;
        try {
          const Image image = decode_image(damaged, "damaged");
          EXPECT_EQ(image.pixels.size(), uint64_t{1} * image.height * image.width * image.channels);
        } catch (const Error& error) {
          EXPECT_EQ(error.kind(), ErrorKind::data) << error.what();
        }
      }
    }
  }
}

TEST(PictureFormats, SayWhatTheyCannotRead) {
  EXPECT_THAT(refusal(bytes_of_text("P5 60000 60000 255\nx")), HasSubstr("60000x60000 pixels, more than 64 million"));
  EXPECT_THAT(refusal(bytes_of_text("P5 2 2 0\nabcd")), HasSubstr("largest value is 0"));
  EXPECT_THAT(refusal(bytes_of_text("P2 2 1 9\n3 10")), HasSubstr("sample of 10 is above 9"));
  EXPECT_THAT(refusal(bytes_of_text("P2 2 x")), HasSubstr("height is missing at byte 5"));
  EXPECT_THAT(refusal(bytes_of_text("P5 4 4 255\nabcd")), HasSubstr("cut short"));
  for (const auto& test : golden_file("formats.json")) {
    Bytes bmp = from_hex(test.at("file"));
    if (test.at("name") != "BMP L") continue;
    bmp[30] = 1;  // run lengths
    EXPECT_THAT(refusal(bmp), HasSubstr("BMP of 8 bits with compression 1 cannot be read"));
    bmp[18] = bmp[19] = bmp[22] = bmp[23] = 0xFF;
    bmp[30] = 0;
    EXPECT_THAT(refusal(bmp), HasSubstr("65535x65535 pixels, more than 64 million"));
  }
}

TEST(PictureFormats, ExaminingTellsTheWholeExtents) {
  const TempFolder folder;
  for (const auto& test : golden_file("formats.json")) {
    const std::string file = test.at("file");
    const Bytes bytes = from_hex(file);
    write_file_atomically(folder / "x", std::as_bytes(std::span(bytes)));
    const Image image = read_image(folder / "x");
    EXPECT_EQ(examine_picture(folder / "x"), (PictureShape{image.height, image.width, image.channels}));
  }
}

TEST(PictureFormats, ReadsTheBmpsOfPngSuite) {
  const fs::path folder = test_data() / "pictures" / "pngsuite";
  if (!exists(folder)) GTEST_SKIP() << "no " << folder << "; set FOVEA_TEST_DATA";
  int compared = 0;
  for (const auto& entry : fs::directory_iterator(folder / "bmp")) {
    SCOPED_TRACE(entry.path());
    const Image bmp = read_image(entry.path());
    EXPECT_EQ(bmp.channels, 3);
    const std::string name = entry.path().stem().string();
    const fs::path png = folder / "png" / (name + ".png");
    const bool transparent = name[0] == 't' || name[5] == 'a';  // there the colours under it differ
    if (transparent || !exists(png)) continue;
    expect_within(bmp, to_channels(read_image(png), 3), 1);  // of 16 bits theirs are cut off, ours rounded
    ++compared;
  }
  EXPECT_GE(compared, 120);
}

// ---- Resizing whole folders ----------------------------------------------------------------------------------------

std::vector<int> samples(std::span<const uint8_t> values, size_t count) {
  std::vector<int> picked;
  uint64_t state = 1;
  for (size_t i = 0; i < count; ++i) {
    state = (state * 1103515245 + 12345) % (uint64_t{1} << 31);
    picked.push_back(values[state % values.size()]);
  }
  return picked;
}

Image cut_as_networks_see_it(const Image& image) {
  const auto channels = static_cast<size_t>(image.channels);
  const Preprocessing settings{.height = 224,
                               .width = 224,
                               .channels = image.channels,
                               .padding = 0,
                               .mean = std::vector<float>(channels, 0.0F),
                               .std = std::vector<float>(channels, 1.0F / 255),
                               .shorter_side = 256,
                               .filter = ResizeFilter::bicubic};
  Image cut{224, 224, image.channels, {}};
  const Tensor tensor = preprocess(image, settings);
  for (const float value : tensor.values()) cut.pixels.push_back(static_cast<uint8_t>(std::lround(value)));
  return cut;
}

TEST(PictureFormats, DecodedAndResizedPicturesEqualPillowWithinOneLevel) {
  if (!exists(test_data() / "imagenet")) GTEST_SKIP() << "no " << test_data() << "; set FOVEA_TEST_DATA";
  int compared = 0;
  const nlohmann::json golden = golden_file("preprocess.json");
  for (auto row = golden.begin(); row != golden.end(); ++row) {
    SCOPED_TRACE(row.key());
    const Image image = read_image(test_data() / row.key());
    const auto expect_samples = [&](const char* way, const Image& got) {
      const auto expected = row.value().at(way).get<std::vector<int>>();
      const auto found = samples(got.pixels, expected.size());
      for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1) << way << " " << i;
    };
    expect_samples("cut", cut_as_networks_see_it(image));
    expect_samples("bilinear", resize(image, 60, 45));
    expect_samples("box", resize(image, 23, 20, ResizeFilter::box));
    expect_samples("nearest", resize(image, 41, 50, ResizeFilter::nearest));
    ++compared;
  }
  EXPECT_GE(compared, 300);
}

}  // namespace
}  // namespace fovea
