#include "fovea/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>

#include "pictures.h"
#include "test_files.h"

namespace fovea {
namespace {

using ::testing::HasSubstr;
using Bytes = std::vector<uint8_t>;

nlohmann::json golden(const char* section) { return golden_file("pictures.json").at(section); }

Bytes png_bytes(const Image& image) {
  const TempFolder folder;
  write_png(folder / "a.png", image);
  const std::string text = read_text(folder / "a.png");
  return {text.begin(), text.end()};
}

std::string refusal(const Bytes& bytes) {
  return error_of(ErrorKind::data, [&] { decode_image(bytes, "odd.png"); });
}

TEST(Image, ResizeEqualsPillow) {
  for (const auto& test : golden("resize")) {
    const Image expected = image_of(test.at("output"));
    SCOPED_TRACE(to_string(test.at("input").at("pixels")).substr(0, 20));
    expect_within(resize(image_of(test.at("input")), expected.height, expected.width), expected, 0);
  }
}

TEST(Image, ResizeToTheSameSizeChangesNothing) {
  const Image image = gradient(6, 5, 3);
  EXPECT_EQ(resize(image, 6, 5), image);
}

TEST(Image, ResizesPicturesOfExtremeShape) {
  const Image tall{60'000, 1, 1, Bytes(60'000, 200)};
  EXPECT_EQ(resize(tall, 3, 4), (Image{3, 4, 1, Bytes(12, 200)}));
  const Image wide{1, 60'000, 3, Bytes(180'000, 200)};
  EXPECT_EQ(resize(wide, 4, 3), (Image{4, 3, 3, Bytes(36, 200)}));
}

TEST(Image, GreyEqualsPillowAndColourRepeatsIt) {
  const nlohmann::json test = golden("grey");
  const Image grey = to_channels(image_of(test.at("input")), 1);
  expect_within(grey, image_of(test.at("output")), 0);
  const Image colour = to_channels(grey, 3);
  for (size_t i = 0; i < colour.pixels.size(); ++i) ASSERT_EQ(colour.pixels[i], grey.pixels[i / 3]);
  EXPECT_EQ(to_channels(colour, 1), grey);
}

TEST(Image, ResizeAndChannelsCheckWhatTheyAreGiven) {
  const Image image = gradient(4, 4, 3);
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { resize(image, 0, 3); }), HasSubstr("to 0x3"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { resize(image, 10'000, 10'000); }), HasSubstr("64 million"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { resize(image, 1, 100'000); }), HasSubstr("sides of up to 65535"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { to_channels(image, 2); }), HasSubstr("asked for 2"));
  EXPECT_THAT(error_of(ErrorKind::usage,
                       [&] {
                         resize({4, 4, 3, Bytes(47)}, 2, 2);
                       }),
              HasSubstr("4x4x3 and 47 samples"));
}

TEST(Image, ReadsJpegAsPillowDoes) {
  for (const auto& test : golden("jpeg")) {
    SCOPED_TRACE(test.at("name").get<std::string>());
    // Another version of libjpeg may round differently.
    expect_within(decode_image(from_hex(test.at("file")), "golden"), image_of(test.at("output")), 2);
  }
}

TEST(Image, RefusesJpegsCutShortAnywhere) {
  for (const auto& test : golden("jpeg")) {
    const Bytes whole = from_hex(test.at("file"));
    for (size_t size = 3; size < whole.size(); ++size) {
      const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      const std::string message = refusal(part);
      ASSERT_THAT(message, HasSubstr("odd.png is not a usable picture: ")) << test.at("name") << " cut at " << size;
    }
  }
}

TEST(Image, KeepsJpegsWhosePixelsAreIntact) {
  Bytes jpeg = from_hex(golden("jpeg").at(0).at("file"));
  const Image image = decode_image(jpeg, "intact");
  jpeg.insert(jpeg.end() - 2, {0, 0, 0});  // extraneous bytes before the end marker, as some cameras leave
  EXPECT_EQ(decode_image(jpeg, "extraneous"), image);
}

// A grey square of 8x8 whose three components come in scans of their own, followed by `more` repetitions of the first.
Bytes jpeg_of_many_scans(int more) {
  const auto append = [](Bytes& to, std::initializer_list<uint8_t> bytes) { to.insert(to.end(), bytes); };
  Bytes jpeg = {0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0};
  jpeg.insert(jpeg.end(), 64, 1);  // quantisation
  append(jpeg, {0xFF, 0xC0, 0, 17, 8, 0, 8, 0, 8, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0});
  for (const uint8_t table : Bytes{0x00, 0x10}) {  // Huffman tables, DC and AC, of the one code "0" for the symbol 0
    append(jpeg, {0xFF, 0xC4, 0, 20, table, 1});
    jpeg.insert(jpeg.end(), 16, 0);
  }
  const auto scan = [&](uint8_t component) { append(jpeg, {0xFF, 0xDA, 0, 8, 1, component, 0, 0, 63, 0, 0x3F}); };
  for (const uint8_t component : Bytes{1, 2, 3}) scan(component);
  for (int i = 0; i < more; ++i) scan(1);
  append(jpeg, {0xFF, 0xD9});
  return jpeg;
}

TEST(Image, RefusesJpegsThatOnlyKeepTheDecoderBusy) {
  EXPECT_EQ(decode_image(jpeg_of_many_scans(0), "three scans"), (Image{8, 8, 3, Bytes(192, 128)}));
  EXPECT_THAT(refusal(jpeg_of_many_scans(150)), HasSubstr("too many scans"));
}

TEST(Image, WritesPngThatReadsBackTheSame) {
  const TempFolder folder;
  for (int channels : {1, 3}) {
    const Image image = gradient(5, 9, channels);
    write_png(folder / "a.png", image);
    EXPECT_EQ(read_image(folder / "a.png"), image);
  }
  EXPECT_EQ(folder.entries(), 1);
  EXPECT_THAT(error_of(ErrorKind::usage,
                       [&] {
                         write_png(folder / "b.png", {1, 1, 2, Bytes(2)});
                       }),
              HasSubstr("1x1x2"));
  EXPECT_THAT(error_of(ErrorKind::data, [&] { write_png(folder / "none/b.png", gradient(1, 1, 1)); }),
              HasSubstr("none/b.png"));
}

TEST(Image, WritesJpegsThatLookTheSame) {
  const TempFolder folder;
  for (const int channels : {1, 3}) {
    Image smooth{20, 30, channels, {}};
    for (int i = 0; i < 20 * 30; ++i)
      smooth.pixels.insert(smooth.pixels.end(), static_cast<size_t>(channels),
                           static_cast<uint8_t>(i % 30 * 4 + i / 30 * 3));
    write_image(folder / "a.JPEG", smooth);
    expect_within(read_image(folder / "a.JPEG"), smooth, 4);
    write_jpeg(folder / "poor.jpg", smooth, 1);
    EXPECT_LT(std::filesystem::file_size(folder / "poor.jpg"), std::filesystem::file_size(folder / "a.JPEG"));
  }
  EXPECT_EQ(folder.entries(), 2);
  const Image image = gradient(2, 2, 1);
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { write_jpeg(folder / "b.jpg", image, 0); }), HasSubstr("got 0"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { write_jpeg(folder / "b.jpg", {}); }), HasSubstr("at least one pixel"));
  EXPECT_THAT(error_of(ErrorKind::data, [&] { write_jpeg(folder / "none/b.jpg", image); }), HasSubstr("none/b.jpg"));
}

TEST(Image, WritesWhatTheNameEndsIn) {
  const TempFolder folder;
  write_image(folder / "a.Png", gradient(3, 4, 3));
  EXPECT_EQ(read_image(folder / "a.Png"), gradient(3, 4, 3));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { write_image(folder / "a.gif", gradient(1, 1, 1)); }),
              HasSubstr("a.gif"));
}

TEST(Image, RefusesPngsCutShortAnywhereAndDamagedOnes) {
  const Bytes whole = png_bytes(gradient(8, 8, 3));
  for (size_t size = 8; size < whole.size(); ++size) {
    ASSERT_THAT(refusal({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}), HasSubstr("odd.png"));
  }
  Bytes damaged = whole;
  damaged[damaged.size() - 20] ^= 0xFF;  // in the compressed rows
  EXPECT_THAT(refusal(damaged), HasSubstr("odd.png is not a usable picture: IDAT"));
}

TEST(Image, RefusesPicturesThatAreTooBigBeforeTakingMemory) {
  const auto png_of_size = [](uint16_t height, uint16_t width) {
    Bytes bytes = png_bytes(gradient(1, 1, 1));
    const auto put = [&](size_t at, uint64_t value) {
      for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<uint8_t>(value >> (24 - 8 * i));
    };
    put(16, width);
    put(20, height);
    put(29, crc32(0, bytes.data() + 12, 17));  // of the chunk's type and data
    return bytes;
  };
  EXPECT_THAT(refusal(png_of_size(65000, 60000)), HasSubstr("65000x60000 pixels, more than 64 million"));
  EXPECT_THAT(refusal(png_of_size(8000, 8000)), HasSubstr("too short for its size"));

  Bytes jpeg = from_hex(golden("jpeg").at(0).at("file"));
  const std::array<uint8_t, 2> start_of_frame = {0xFF, 0xC0};
  const auto frame = std::search(jpeg.begin(), jpeg.end(), start_of_frame.begin(), start_of_frame.end());
  ASSERT_NE(frame, jpeg.end());
  std::fill(frame + 5, frame + 9, uint8_t{0xF0});
  EXPECT_THAT(refusal(jpeg), HasSubstr("61680x61680 pixels, more than 64 million"));
}

TEST(Image, NamesWhatIsNoPicture) {
  EXPECT_THAT(refusal({}), HasSubstr("odd.png is not a usable picture: it is empty"));
  EXPECT_THAT(refusal({'G', 'I', 'F', '8', '9', 'a'}), HasSubstr("no JPEG, PNG, WebP, BMP or PNM file"));
  EXPECT_THAT(error_of(ErrorKind::data, [] { read_image("/nowhere/a.png"); }), HasSubstr("/nowhere/a.png"));
  const TempFolder folder;
  write_text(folder / "\xFF\n.png", "x");  // a name that is no UTF-8 and would break the line
  EXPECT_THAT(error_of(ErrorKind::data, [&] { read_image(folder / "\xFF\n.png"); }),
              HasSubstr("\xEF\xBF\xBD?.png is not"));
}

// The picture as pngsuite's JSON gives it: red, green, blue, alpha.
Image expected_pixels(const std::filesystem::path& path, const Image& like) {
  std::ifstream file(path);
  const auto samples = nlohmann::json::parse(file).get<std::vector<int>>();
  Image image{like.height, like.width, like.channels, {}};
  const size_t channels = static_cast<size_t>(like.channels);
  for (size_t i = 0; i < samples.size(); ++i) {
    if (i % 4 < channels) image.pixels.push_back(static_cast<uint8_t>(samples[i]));
  }
  return image;
}

TEST(Image, ReadsEveryPngOfPngSuite) {
  const auto folder = test_data() / "pictures" / "pngsuite";
  if (!exists(folder)) GTEST_SKIP() << "no " << folder << "; set FOVEA_TEST_DATA";
  int read = 0, compared = 0, refused = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "png")) {
    const std::string name = entry.path().stem().string();
    SCOPED_TRACE(name);
    if (name[0] == 'x') {
      EXPECT_THAT(error_of(ErrorKind::data, [&] { read_image(entry.path()); }), HasSubstr(name));
      ++refused;
      continue;
    }
    const Image image = read_image(entry.path());
    EXPECT_EQ(image.channels, name[4] == '0' || name[4] == '4' ? 1 : 3);
    ++read;
    const bool deep = name.ends_with("16");
    const auto json = folder / "json" / (name + (deep ? "_to8.json" : ".json"));
    if (!exists(json)) continue;
    expect_within(image, expected_pixels(json, image), deep ? 1 : 0);  // its 16 to 8 bits truncates, ours rounds
    ++compared;
  }
  EXPECT_GE(read, 160);
  EXPECT_GE(compared, 150);
  EXPECT_EQ(refused, 14);
}

TEST(Image, ReadsOrRefusesThePicturesOfStb) {
  const auto folder = test_data() / "pictures" / "stb" / "tests" / "pngsuite";
  if (!exists(folder)) GTEST_SKIP() << "no " << folder << "; set FOVEA_TEST_DATA";
  for (const char* good : {"primary", "primary_check", "16bit", "unused"}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder / good)) {
      EXPECT_GT(read_image(entry.path()).height, 0) << entry.path();
    }
  }
  for (const char* bad : {"corrupt", "iphone"}) {  // iphone: Apple's variant, whose first chunk is critical and unknown
    for (const auto& entry : std::filesystem::directory_iterator(folder / bad)) {
      EXPECT_THAT(error_of(ErrorKind::data, [&] { read_image(entry.path()); }), HasSubstr(entry.path().filename()));
    }
  }
}

}  // namespace
}  // namespace fovea
