#include "fovea/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <numeric>
#include <sstream>

#include "fovea/random.h"
#include "test_files.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

std::string file_with_length(uint64_t length, std::string_view rest) {
  std::string file(sizeof length, '\0');
  std::memcpy(file.data(), &length, sizeof length);
  return file + std::string(rest);
}

std::string file_of(std::string_view header, size_t data_bytes = 0) {
  return file_with_length(header.size(), std::string(header) + std::string(data_bytes, '\0'));
}

SafetensorsFile parse(std::string_view file) { return SafetensorsFile::parse(bytes_of(file), "m.safetensors"); }

std::string refusal(std::string_view file) {
  const std::string line = error_of(ErrorKind::format, [&] { parse(file); });
  EXPECT_TRUE(line.starts_with("m.safetensors: ")) << line;
  EXPECT_LT(line.size(), 400U) << line;
  return line;
}

std::string one_tensor(const std::string& dtype, const std::string& shape, const std::string& offsets, size_t data) {
  return file_of(R"({"t":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}", data);
}

Tensor random_tensor(const Shape& shape, uint64_t seed) {
  Tensor tensor(shape);
  for (int64_t i = 0; i < tensor.size(); ++i) tensor[i] = Random(seed).normal(static_cast<uint64_t>(i));
  return tensor;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.data(), b.data(), a.values().size_bytes()) == 0;
}

TEST(Safetensors, RoundTripsTensorsAndMetadata) {
  const TempFolder folder;
  const fs::path path = folder / "m.safetensors";
  const Tensor weight = random_tensor({6, 1, 5, 5}, 1);
  const Tensor bias = random_tensor({6}, 2);
  Tensor scalar{Shape()};
  scalar[0] = std::numeric_limits<float>::quiet_NaN();
  const Tensor none(Shape{0, 3});
  const std::vector<NamedTensor> tensors = {
      {"conv1.weight", &weight}, {"none", &none}, {"conv1.bias", &bias}, {"\u00fc \"\\\n", &scalar}};
  const std::map<std::string, std::string> metadata = {{"format", "pt"}, {"classes", "a\nb\u00e9\"{}"}, {"", ""}};
  write_safetensors(path, tensors, metadata);

  const SafetensorsFile file = SafetensorsFile::open(path);
  EXPECT_EQ(file.metadata(), metadata);
  std::vector<std::string> names;
  for (const SafetensorsEntry& entry : file.entries()) {
    names.push_back(entry.name);
    EXPECT_EQ(entry.dtype, DType::f32);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(entry.bytes.data()) % 4, 0U);
  }
  EXPECT_THAT(names, ElementsAre("conv1.weight", "none", "conv1.bias", "\u00fc \"\\\n"));
  for (const auto& [name, tensor] : tensors) {
    ASSERT_TRUE(file.contains(name));
    EXPECT_TRUE(same_bits(file.read_f32(name), *tensor)) << name;
  }
  EXPECT_FALSE(file.contains("conv2.weight"));
  EXPECT_THAT(error_of(ErrorKind::format, [&] { file.read_f32("conv2.weight"); }),
              HasSubstr("m.safetensors: holds no tensor \"conv2.weight\""));
}

TEST(Safetensors, BytesAreDeterminedAndAligned) {
  const TempFolder folder;
  const Tensor tensor(Shape{2}, std::vector<float>{1, 2});
  const std::vector<NamedTensor> tensors = {{"b", &tensor}};
  write_safetensors(folder / "1", tensors, {{"k", "v"}});
  std::string header = R"({"__metadata__":{"k":"v"},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  header.resize(2 * 64 - 8, ' ');
  const std::string data("\0\0\x80\x3F\0\0\0\x40", 8);
  EXPECT_EQ(read_text(folder / "1"), file_with_length(header.size(), header + data));
}

TEST(Safetensors, WritesAFileWithoutTensors) {
  const TempFolder folder;
  write_safetensors(folder / "empty", {});
  EXPECT_EQ(read_text(folder / "empty"), file_of("{}" + std::string(54, ' ')));
  EXPECT_TRUE(SafetensorsFile::open(folder / "empty").entries().empty());
  write_safetensors(folder / "texts", {}, {{"a", "b"}});
  EXPECT_EQ(SafetensorsFile::open(folder / "texts").metadata().at("a"), "b");
}

TEST(Safetensors, WriterRefusesWhatTheFormatCannotHold) {
  const TempFolder folder;
  const fs::path path = folder / "m.safetensors";
  write_text(path, "old");
  const Tensor tensor(Shape{1});
  const Tensor unset;
  const auto failure = [&](const std::vector<NamedTensor>& tensors,
                           const std::map<std::string, std::string>& metadata = {}) {
    return error_of(ErrorKind::usage, [&] { write_safetensors(path, tensors, metadata); });
  };
  EXPECT_THAT(failure({{"a", &tensor}, {"a", &tensor}}), HasSubstr("tensor \"a\" occurs twice"));
  EXPECT_THAT(failure({{"__metadata__", &tensor}}), HasSubstr("name of the metadata"));
  EXPECT_THAT(failure({{"a", &unset}}), HasSubstr("no values"));
  EXPECT_THAT(failure({{"\xFF", &tensor}}), HasSubstr("not UTF-8"));
  EXPECT_THAT(failure({}, {{"k", "\xFF"}}), HasSubstr("not UTF-8"));
  EXPECT_THAT(failure({}, {{"k", std::string(17'000'000, '\x01')}}), HasSubstr("header takes"));
  EXPECT_EQ(read_text(path), "old");
  const std::vector<NamedTensor> good = {{"a", &tensor}};
  EXPECT_THAT(error_of(ErrorKind::data, [&] { write_safetensors(folder / "no/m", good); }), HasSubstr("no folder"));
}

TEST(Safetensors, OpenRefusesMissingFilesAndFolders) {
  const TempFolder folder;
  EXPECT_THAT(error_of(ErrorKind::data, [&] { SafetensorsFile::open(folder / "m"); }), HasSubstr("No such file"));
  EXPECT_THAT(error_of(ErrorKind::data, [&] { SafetensorsFile::open(folder.path()); }), HasSubstr("folder"));
  write_text(folder / "empty", "");
  EXPECT_THAT(error_of(ErrorKind::format, [&] { SafetensorsFile::open(folder / "empty"); }), HasSubstr("0 bytes"));
}

TEST(Safetensors, OutlivesMovesAndTheReplacementOfItsFile) {
  const TempFolder folder;
  const Tensor tensor = random_tensor({100}, 3);
  const std::vector<NamedTensor> tensors = {{"a", &tensor}};
  write_safetensors(folder / "m", tensors);
  SafetensorsFile first = SafetensorsFile::open(folder / "m");
  const SafetensorsFile second = std::move(first);
  write_text(folder / "m", "");
  EXPECT_TRUE(same_bits(second.read_f32("a"), tensor));
}

TEST(Safetensors, RefusesWrongHeaders) {
  EXPECT_THAT(refusal(""), HasSubstr("0 bytes, at least 8 expected"));
  EXPECT_THAT(refusal("1234567"), HasSubstr("7 bytes, at least 8 expected"));
  EXPECT_THAT(refusal(file_with_length(UINT64_MAX, "{}")), HasSubstr("at most 100000000 allowed"));
  EXPECT_THAT(refusal(file_with_length(100'000'001, "{}")), HasSubstr("at most 100000000 allowed"));
  EXPECT_THAT(refusal(file_with_length(3, "{}")), HasSubstr("truncated"));
  EXPECT_THAT(refusal(file_of("")), HasSubstr("invalid JSON"));
  EXPECT_THAT(refusal(file_of("{")), HasSubstr("invalid JSON"));
  EXPECT_THAT(refusal(file_of("[]")), HasSubstr("not a JSON object"));
  EXPECT_THAT(refusal(file_of("\xFF")), HasSubstr("invalid"));
  EXPECT_THAT(refusal(file_of(std::string(1'000'000, '['))), HasSubstr("nested deeper"));
  EXPECT_THAT(refusal(file_of(R"({"__metadata__":{},"__metadata__":{}})")), HasSubstr("twice"));
  EXPECT_THAT(refusal(file_of(R"({"__metadata__":[]})")), HasSubstr("__metadata__ is not an object"));
  EXPECT_THAT(refusal(file_of(R"({"__metadata__":{"a":1}})")), HasSubstr("__metadata__ \"a\" is not a text"));
}

TEST(Safetensors, RefusesWrongTensors) {
  const auto entry = [](const std::string& item) { return file_of("{\"t\":" + item + "}", 4); };
  EXPECT_THAT(refusal(entry("1")), HasSubstr("tensor \"t\": expected an object"));
  EXPECT_THAT(refusal(entry(R"({"shape":[1],"data_offsets":[0,4]})")), HasSubstr("dtype is missing"));
  EXPECT_THAT(refusal(entry(R"({"dtype":7,"shape":[1],"data_offsets":[0,4]})")), HasSubstr("dtype is missing"));
  EXPECT_THAT(refusal(entry(R"({"dtype":"F32","data_offsets":[0,4]})")), HasSubstr("shape is not a list"));
  EXPECT_THAT(refusal(entry(R"({"dtype":"F32","shape":[1]})")), HasSubstr("data_offsets is not a pair"));
  EXPECT_THAT(refusal(one_tensor("F7\\n", "[1]", "[0,4]", 4)), HasSubstr(R"(tensor "t": unknown dtype "F7\n")"));
  for (const char* shape : {"1", "null", "{}", "[\"1\"]", "[1.0]", "[-1]", "[-0]", "[9223372036854775808]",
                            "[18446744073709551616]", "[[1]]", "[true]"}) {
    EXPECT_THAT(refusal(one_tensor("F32", shape, "[0,4]", 4)), HasSubstr("shape is not a list")) << shape;
  }
  for (const char* offsets : {"0", "[]", "[0]", "[0,4,4]", "[0,4.0]", "[-4,0]", "[0,18446744073709551615]"}) {
    EXPECT_THAT(refusal(one_tensor("F32", "[1]", offsets, 4)), HasSubstr("data_offsets is not a pair")) << offsets;
  }
}

TEST(Safetensors, RefusesSizesThatDoNotFit) {
  EXPECT_THAT(refusal(one_tensor("F32", "[1]", "[4,0]", 4)), HasSubstr("do not lie within the 4 bytes"));
  EXPECT_THAT(refusal(one_tensor("F32", "[1]", "[0,8]", 4)), HasSubstr("do not lie within the 4 bytes"));
  EXPECT_THAT(refusal(one_tensor("F32", "[1]", "[0,9223372036854775807]", 4)), HasSubstr("do not lie within"));
  EXPECT_THAT(refusal(one_tensor("F32", "[2]", "[0,4]", 4)), HasSubstr("F32 of shape 2 takes 8 bytes"));
  EXPECT_THAT(refusal(one_tensor("F64", "[]", "[0,4]", 4)), HasSubstr("F64 of shape scalar takes 8 bytes"));
  EXPECT_THAT(refusal(one_tensor("U8", "[0]", "[0,4]", 4)), HasSubstr("takes 0 bytes"));
  EXPECT_THAT(refusal(one_tensor("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]", 4)), HasSubstr("at most 8 dimensions"));
  // Products that wrap around to what the offsets hold.
  EXPECT_THAT(refusal(one_tensor("F32", "[4294967296,4294967296]", "[0,0]", 0)), HasSubstr("more than 2^48"));
  EXPECT_THAT(refusal(one_tensor("F32", "[4611686018427387905]", "[0,4]", 4)), HasSubstr("more than 2^48"));
  EXPECT_THAT(refusal(one_tensor("F32", "[281474976710656]", "[0,4]", 4)), HasSubstr("takes 1125899906842624 bytes"));
}

std::string two_tensors(const char* first, const char* second, size_t data) {
  const auto item = [](const char* offsets) {
    return std::string(R"({"dtype":"U8","shape":[4],"data_offsets":)") + offsets + "}";
  };
  return file_of("{\"a\":" + item(first) + ",\"b\":" + item(second) + "}", data);
}

TEST(Safetensors, RefusesOverlapsGapsAndBytesLeftOver) {
  EXPECT_NO_THROW(parse(two_tensors("[0,4]", "[4,8]", 8)));
  EXPECT_NO_THROW(parse(two_tensors("[4,8]", "[0,4]", 8)));
  EXPECT_THAT(refusal(two_tensors("[0,4]", "[0,4]", 4)), HasSubstr("overlap"));
  EXPECT_THAT(refusal(two_tensors("[0,4]", "[3,7]", 7)), HasSubstr("overlap"));
  EXPECT_THAT(refusal(two_tensors("[0,4]", "[5,9]", 9)), HasSubstr("gap"));
  EXPECT_THAT(refusal(two_tensors("[1,5]", "[5,9]", 9)), HasSubstr("gap"));
  EXPECT_THAT(refusal(two_tensors("[0,4]", "[4,8]", 9)), HasSubstr("cover 8 of the 9 bytes"));
  EXPECT_THAT(refusal(file_of("{}", 1)), HasSubstr("cover 0 of the 1 bytes"));
  EXPECT_THAT(refusal(file_of(R"({"t":{"dtype":"U8","shape":[0],"data_offsets":[1,1]}})", 0)), HasSubstr("within"));
}

TEST(Safetensors, EveryTruncationAndEveryChangedHeaderByteIsHandled) {
  const TempFolder folder;
  const Tensor tensor = random_tensor({3, 2}, 4);
  const std::vector<NamedTensor> tensors = {{"a", &tensor}, {"b", &tensor}};
  write_safetensors(folder / "m", tensors, {{"k", "v"}});
  const std::string good = read_text(folder / "m");
  for (size_t size = 0; size < good.size(); ++size) EXPECT_THROW(parse(good.substr(0, size)), Error) << size;
  const size_t header_end = good.size() - 2 * tensor.values().size_bytes();
  for (size_t i = 0; i < header_end; ++i) {
    for (const char byte : std::string_view("\0\x01\x7F\x80\xFF\"\\{}[]:,.-+e0127 _aFU\n", 27)) {
      std::string bad = good;
      bad[i] = byte;
      try {
        const SafetensorsFile file = parse(bad);
        for (const SafetensorsEntry& entry : file.entries()) file.read_f32(entry.name);
      } catch (const Error& error) {
        ASSERT_EQ(error.kind(), ErrorKind::format) << error.what();
      }
    }
  }
}

TEST(Safetensors, ReadsUnalignedData) {
  const float value = 1.5F;
  const std::string header = R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  for (int pad = 0; pad < 4; ++pad) {
    const std::string padded = header + std::string(pad, ' ');
    const std::string file = file_of(padded) + std::string(reinterpret_cast<const char*>(&value), sizeof value);
    EXPECT_EQ(parse(file).read_f32("t")[0], value);
  }
}

template <class Stored>
std::vector<float> decoded(DType dtype, const std::vector<Stored>& stored) {
  std::vector<float> values(stored.size());
  decode(dtype, std::as_bytes(std::span(stored)), values);
  return values;
}

TEST(DType, HalfMatchesItsDefinitionForAllValues) {
  std::vector<uint16_t> halves(65536);
  std::iota(halves.begin(), halves.end(), 0);
  const std::vector<float> values = decoded(DType::f16, halves);
  for (int i = 0; i < 65536; ++i) {
    const int exponent = (i >> 10) & 31;
    const int mantissa = i & 1023;
    const float value = values[static_cast<size_t>(i)];
    EXPECT_EQ(std::signbit(value), i >= 32768);
    if (exponent == 31) {
      EXPECT_TRUE(mantissa == 0 ? std::isinf(value) : std::isnan(value)) << i;
    } else {
      const double expected = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
      ASSERT_EQ(std::abs(value), expected) << i;
    }
  }
}

TEST(DType, DecodesEveryOtherType) {
  EXPECT_THAT(decoded<uint16_t>(DType::bf16, {0x3F80, 0xC040, 0x7F80, 0x0001}),
              ElementsAre(1.0F, -3.0F, INFINITY, std::bit_cast<float>(0x10000)));
  EXPECT_THAT(decoded<double>(DType::f64, {0.1, -1e300, 1e-300}), ElementsAre(0.1F, -INFINITY, 0.0F));
  EXPECT_THAT(decoded<int64_t>(DType::i64, {INT64_MIN, -1, 16777217}), ElementsAre(-0x1p63F, -1.0F, 16777216.0F));
  EXPECT_THAT(decoded<uint64_t>(DType::u64, {UINT64_MAX, 3}), ElementsAre(0x1p64F, 3.0F));
  EXPECT_THAT(decoded<int32_t>(DType::i32, {INT32_MIN, 7}), ElementsAre(-0x1p31F, 7.0F));
  EXPECT_THAT(decoded<uint32_t>(DType::u32, {UINT32_MAX, 7}), ElementsAre(0x1p32F, 7.0F));
  EXPECT_THAT(decoded<int16_t>(DType::i16, {-32768, 7}), ElementsAre(-32768.0F, 7.0F));
  EXPECT_THAT(decoded<uint16_t>(DType::u16, {65535, 7}), ElementsAre(65535.0F, 7.0F));
  EXPECT_THAT(decoded<int8_t>(DType::i8, {-128, 7}), ElementsAre(-128.0F, 7.0F));
  EXPECT_THAT(decoded<uint8_t>(DType::u8, {255, 7}), ElementsAre(255.0F, 7.0F));
  EXPECT_THAT(decoded<uint8_t>(DType::boolean, {0, 1, 255}), ElementsAre(0.0F, 1.0F, 1.0F));
  std::vector<float> one(1);
  error_of(ErrorKind::usage, [&] { decode(DType::f32, {}, one); });
}

TEST(SafetensorsData, ReferenceVectorsBehaveAsTold) {
  const fs::path folder = test_data() / "checkpoints" / "safetensors_vectors";
  if (!fs::exists(folder)) GTEST_SKIP() << "no folder " << folder << "; set FOVEA_TEST_DATA";
  const std::map<std::string, std::string> message = {{"HeaderTooSmall", "at least 8 expected"},
                                                      {"HeaderTooLarge", "at most 100000000 allowed"},
                                                      {"InvalidHeaderLength", "truncated"},
                                                      {"InvalidHeader", "invalid"},
                                                      {"InvalidHeaderDeserialization", "invalid JSON"},
                                                      {"TensorInvalidInfo", "data_offsets"},
                                                      {"MetadataIncompleteBuffer", "bytes of data"},
                                                      {"ValidationOverflow", "shape"},
                                                      {"InvalidOffset", "overlap"}};
  std::ifstream table(folder / "expected.tsv");
  std::string line;
  std::getline(table, line);
  int rows = 0;
  while (std::getline(table, line)) {
    std::istringstream columns(line);
    std::string name, size, expected;
    columns >> name >> size >> expected;
    SCOPED_TRACE(line);
    ++rows;
    if (expected == "OK") {
      const SafetensorsFile file = SafetensorsFile::open(folder / name);
      for (const SafetensorsEntry& entry : file.entries()) {
        EXPECT_EQ(file.read_f32(entry.name).shape(), entry.shape);
      }
    } else {
      const std::string what = error_of(ErrorKind::format, [&] { SafetensorsFile::open(folder / name); });
      EXPECT_THAT(what, HasSubstr(name));
      EXPECT_THAT(what, HasSubstr(message.at(expected)));
    }
  }
  EXPECT_EQ(rows, 17);
}

TEST(SafetensorsData, ReadsAFileOfTheReferenceImplementation) {
  const fs::path path =
      test_data() / "checkpoints" / "burn_pt" / "examples__import-model-weights__weights__mnist.safetensors";
  if (!fs::exists(path)) GTEST_SKIP() << "no file " << path << "; set FOVEA_TEST_DATA";
  // Sums by numpy: np.frombuffer(data, "<f4", count, begin).astype("f8").sum().
  const SafetensorsFile file = SafetensorsFile::open(path);
  const auto sum = [&](const char* name) {
    const Tensor tensor = file.read_f32(name);
    return std::accumulate(tensor.data(), tensor.data() + tensor.size(), 0.0);
  };
  EXPECT_EQ(file.entries().size(), 20U);
  EXPECT_EQ(file.entry("norm1.num_batches_tracked").dtype, DType::i64);
  EXPECT_EQ(file.entry("norm1.num_batches_tracked").shape, Shape());
  EXPECT_EQ(sum("norm1.num_batches_tracked"), 7504.0);
  EXPECT_EQ(file.entry("conv3.weight").shape, Shape({24, 16, 3, 3}));
  EXPECT_NEAR(sum("conv3.weight"), -61.46941277656151, 1e-9);
  EXPECT_NEAR(sum("fc1.weight"), -335.3114262489783, 1e-7);
  EXPECT_NEAR(sum("norm2.running_var"), 475.1035976409912, 1e-9);
}

}  // namespace
}  // namespace fovea
