#include "fovea/tensor_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "test_files.h"

// Files of PyTorch and NumPy against what those read from them: golden/tensor_files.json, made by
// golden/make_tensor_files.py.
namespace fovea {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

const json& golden() {
  static const json file = json::parse(std::ifstream(FOVEA_TEST_DIR "/golden/tensor_files.json"));
  return file;
}

fs::path seed(const std::string& name) { return fs::path(FOVEA_TEST_DIR) / ".." / "fuzz/seeds/tensor_file" / name; }

// As describe() of make_tensor_files.py.
json describe(const StoredTensor& tensor) {
  std::vector<std::byte> copy;
  const auto bytes = row_major(tensor, copy);
  std::vector<double> values(static_cast<size_t>(tensor.shape.elements()));
  decode(tensor.dtype, bytes, std::span(values));
  double sum = 0;
  int64_t not_finite = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) {
      sum += values[i] * static_cast<double>(1 + i % 7);
    } else {
      ++not_finite;
    }
  }
  const auto dims = tensor.shape.dims();
  return {to_string(tensor.dtype), std::vector(dims.begin(), dims.end()), sum, not_finite};
}

void expect_tensors(const TensorFile& file, const json& expected) {
  EXPECT_EQ(file.tensors.size(), expected.size());
  for (const auto& [name, facts] : expected.items()) {
    SCOPED_TRACE(name);
    const StoredTensor* const tensor = file.find(name);
    ASSERT_NE(tensor, nullptr);
    const json read = describe(*tensor);
    EXPECT_EQ(read[0], facts[0]);
    EXPECT_EQ(read[1], facts[1]);
    const double sum = facts[2];
    EXPECT_NEAR(read[2].get<double>(), sum, 1e-9 * std::max(1.0, std::abs(sum)));
    EXPECT_EQ(read[3], facts[3]);
  }
}

TEST(TensorFile, ReadsWhatPyTorchAndNumPyWrite) {
  for (const auto& [name, expected] : golden().at("seeds").items()) {
    SCOPED_TRACE(name);
    expect_tensors(open_tensor_file(seed(name)), expected);
  }
}

TEST(TensorFileData, ReadsTheReferenceCheckpoints) {
  const fs::path folder = test_data() / "checkpoints";
  if (!fs::exists(folder)) GTEST_SKIP() << "no folder " << folder << "; set FOVEA_TEST_DATA";
  int files = 0;
  for (const auto& [name, expected] : golden().at("checkpoints").items()) {
    SCOPED_TRACE(name);
    expect_tensors(open_tensor_file(folder / name), expected);
    ++files;
  }
  EXPECT_EQ(files, 62);
  EXPECT_THAT(error_of(ErrorKind::format,
                       [&] { open_tensor_file(folder / "burn_pt/src__pytorch__reader__test_data__broken.pt"); }),
              HasSubstr("broken.pt: neither a safetensors nor a PyTorch nor a NumPy nor an HDF5 file"));
}

TEST(TensorFile, StoredElementsAreUsedWhereTheyLie) {
  const TensorFile file = open_tensor_file(seed("views.pt"));
  EXPECT_TRUE(file.memory.empty());
  const StoredTensor& whole = *file.find("whole");
  const StoredTensor& row = *file.find("row");
  EXPECT_EQ(row.bytes.data(), whole.bytes.data() + 20 * sizeof(float));
  EXPECT_TRUE(row.strides.empty());
  EXPECT_THAT(file.find("steps")->strides, testing::ElementsAre(12, 8, 2));
  EXPECT_EQ(file.find("nothing"), nullptr);
}

TEST(TensorFile, ACheckpointsPlainValuesAreMetadata) {
  for (const char* name : {"checkpoint.pt", "checkpoint_legacy.th", "checkpoint_protocol4.pt"}) {
    const TensorFile file = open_tensor_file(seed(name));
    EXPECT_EQ(file.format, "PyTorch");
    EXPECT_EQ(file.metadata.at("epoch"), "3");
    EXPECT_EQ(file.metadata.at("best"), "0.5");
    EXPECT_EQ(file.metadata.at("arch"), "tiny");
    EXPECT_EQ(file.metadata.at("done"), "true");
    EXPECT_EQ(file.metadata.at("optimizer.param_groups.0.momentum"), "0.9");
    EXPECT_FALSE(file.metadata.contains("none"));
    EXPECT_EQ(file.state_dict, "state_dict.");
  }
}

TEST(TensorFile, StateDictIsTheNetworksOwnPart) {
  std::vector<std::string> names;
  for (const StoredTensor& tensor : state_dict(open_tensor_file(seed("checkpoint.pt")))) names.push_back(tensor.name);
  EXPECT_THAT(names, testing::ElementsAre("0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var",
                                          "1.num_batches_tracked"));
  EXPECT_EQ(state_dict(open_tensor_file(seed("views.pt"))).size(), 7U);
}

// Element {f, c, y, x} of Keras's {y, x, c, f}, and the likes of it.
TEST(TensorFile, KerasLayersBecomePyTorchs) {
  const TensorFile file = open_tensor_file(seed("keras.h5"));
  EXPECT_EQ(file.format, "HDF5");
  std::map<std::string, Tensor> weights;
  for (const StoredTensor& tensor : state_dict(file)) weights.emplace(tensor.name, read_f32(tensor));
  std::vector<std::string> names;
  for (const auto& [name, values] : weights) names.push_back(name + " " + to_string(values.shape()));
  EXPECT_THAT(names,
              testing::ElementsAre("conv.bias 5", "conv.weight 5x4x3x2", "dense.bias 3", "dense.weight 3x4",
                                   "norm.bias 10", "norm.running_mean 10", "norm.running_var 10", "norm.weight 10",
                                   "parted.depthwise.weight 10x1x3x3", "parted.pointwise.bias 4",
                                   "parted.pointwise.weight 4x10x1x1", "spread.weight 10x1x3x2"));
  const auto keras = [&](const char* path) { return read_f32(*file.find(std::string("model_weights/") + path)); };
  const Tensor kernel = keras("conv/conv/kernel:0");
  EXPECT_EQ(weights.at("conv.weight")[((1 * 4 + 2) * 3 + 2) * 2 + 1], kernel[((2 * 2 + 1) * 4 + 2) * 5 + 1]);
  const Tensor spread = keras("spread/spread/depthwise_kernel:0");  // channel 3's second filter at (2, 1)
  EXPECT_EQ(weights.at("spread.weight")[(7 * 3 + 2) * 2 + 1], spread[((2 * 2 + 1) * 5 + 3) * 2 + 1]);
  EXPECT_EQ(weights.at("dense.weight")[2 * 4 + 3], keras("outer/dense/kernel:0")[3 * 3 + 2]);
}

TEST(TensorFile, Hdf5OfOtherKindsIsRefusedByName) {
  const auto refusal = [](const char* name) {
    return error_of(ErrorKind::format, [&] { open_tensor_file(seed(name)); });
  };
  EXPECT_THAT(refusal("chunks.h5"), HasSubstr("'x': data in chunks"));
  EXPECT_THAT(refusal("deflated.h5"), HasSubstr("'x': compressed data"));
  EXPECT_THAT(refusal("newer.h5"), HasSubstr("an HDF5 file of a newer layout"));
}

TEST(TensorFile, MeasuresTheFiniteElements) {
  const TensorFile file = open_tensor_file(seed("version2.npy"));
  const TensorStatistics one = measure(file.tensors[0]);
  EXPECT_EQ(one.nans, 1);
  EXPECT_EQ(one.infinities, 1);
  EXPECT_EQ(one.mean, 1.5);
  EXPECT_EQ(one.std, 0);
  const TensorFile views = open_tensor_file(seed("views.pt"));
  const TensorStatistics steps = measure(*views.find("steps"));  // 1 3 9 11 13 15 21 23, eighths
  EXPECT_EQ(steps.min, 1.0 / 8);
  EXPECT_EQ(steps.max, 23.0 / 8);
  EXPECT_DOUBLE_EQ(steps.mean, 12.0 / 8);
  EXPECT_NEAR(steps.std, std::sqrt(53.0) / 8, 1e-12);
  const TensorStatistics none = measure(*views.find("none"));
  EXPECT_EQ(none.min, 0);
  EXPECT_EQ(none.nans, 0);
}

// ---- Writing -------------------------------------------------------------------------------------------------------

TEST(WriteTensorFile, WhatIsWrittenReadsBackTheSame) {
  const TempFolder folder;
  for (const char* name :
       {"types.pt", "views.pt", "types.npz", "checkpoint.pt", "deflated.npz", "channels_last.pt", "keras.h5"}) {
    const TensorFile file = open_tensor_file(seed(name));
    for (const char* extension : {".safetensors", ".pth", ".npz"}) {
      SCOPED_TRACE(std::string(name) + extension);
      const bool unsigned_numbers = file.find("uint16") != nullptr;
      if (unsigned_numbers && extension == std::string_view(".pth")) continue;
      const fs::path path = folder / (std::string("copy") + extension);
      write_tensor_file(path, file.tensors);
      const TensorFile copy = open_tensor_file(path);
      ASSERT_EQ(copy.tensors.size(), file.tensors.size());
      for (const StoredTensor& tensor : file.tensors) {
        SCOPED_TRACE(tensor.name);
        ASSERT_NE(copy.find(tensor.name), nullptr);
        json expected = describe(tensor);
        if (tensor.dtype == DType::bf16 && copy.format == "npz") expected[0] = "F32";
        EXPECT_EQ(describe(*copy.find(tensor.name)), expected);
      }
    }
  }
}

TEST(WriteTensorFile, SafetensorsKeepMetadataAndAlignTheirElements) {
  const TempFolder folder;
  const TensorFile file = open_tensor_file(seed("types.pt"));
  write_tensor_file(folder / "m.safetensors", file.tensors, {{"k", "v"}});
  const TensorFile copy = open_tensor_file(folder / "m.safetensors");
  EXPECT_EQ(copy.metadata.at("k"), "v");
  const auto address = [](const StoredTensor& tensor) { return reinterpret_cast<uintptr_t>(tensor.bytes.data()); };
  for (const StoredTensor& tensor : copy.tensors)
    EXPECT_EQ(address(tensor) % item_size(tensor.dtype), 0U) << tensor.name;
}

TEST(WriteTensorFile, RefusesWhatTheFormatCannotHold) {
  const TempFolder folder;
  const TensorFile file = open_tensor_file(seed("types.npz"));
  const auto refusal = [&](const char* name, std::span<const StoredTensor> tensors) {
    return error_of(ErrorKind::usage, [&] { write_tensor_file(folder / name, tensors); });
  };
  EXPECT_THAT(refusal("a.txt", file.tensors), HasSubstr("the extension says no format"));
  EXPECT_THAT(refusal("a.npy", file.tensors), HasSubstr("an .npy file holds one tensor, there are 12"));
  EXPECT_THAT(refusal("a.pt", file.tensors), HasSubstr("PyTorch has no storage of U"));
  const std::vector<StoredTensor> twice = {file.tensors[0], file.tensors[0]};
  EXPECT_THAT(refusal("a.npz", twice), HasSubstr("two tensors are called"));
  EXPECT_EQ(folder.entries(), 0);
  EXPECT_THAT(error_of(ErrorKind::data, [&] { write_tensor_file(folder / "no/a.npz", file.tensors); }),
              HasSubstr("no folder"));
}

TEST(WriteTensorFile, NpyIsOneArray) {
  const TempFolder folder;
  const TensorFile file = open_tensor_file(seed("fortran.npy"));
  write_tensor_file(folder / "a.npy", file.tensors);
  const TensorFile copy = open_tensor_file(folder / "a.npy");
  EXPECT_EQ(describe(copy.tensors[0]), describe(file.tensors[0]));
  EXPECT_TRUE(copy.tensors[0].strides.empty());
}

// ---- Hostile files -------------------------------------------------------------------------------------------------

TEST(TensorFile, EveryTruncationIsRefused) {
  for (const char* name : {"views.pt", "views_legacy.pth", "deflated.npz", "fortran.npy", "keras.h5"}) {
    const std::string good = read_text(seed(name));
    for (size_t size = 0; size < good.size(); ++size) {
      SCOPED_TRACE(std::string(name) + " " + std::to_string(size));
      const std::string text = good.substr(0, size);
      error_of(ErrorKind::format, [&] { parse_tensor_file(bytes_of(text), "t"); });
    }
  }
}

TEST(TensorFile, AnyByteMayBeWrong) {
  for (const char* name :
       {"views.pt", "views_legacy.pth", "deflated.npz", "big_endian.npy", "checkpoint_protocol4.pt", "keras.h5"}) {
    const std::string good = read_text(seed(name));
    for (size_t i = 0; i < good.size(); ++i) {
      for (const char byte : std::string_view("\0\x80\xFF", 3)) {
        std::string bad = good;
        bad[i] = byte;
        try {
          const TensorFile file = parse_tensor_file(bytes_of(bad), "t");
          for (const StoredTensor& tensor : file.tensors) describe(tensor);
        } catch (const Error& error) {
          ASSERT_EQ(error.kind(), ErrorKind::format) << error.what();
          ASSERT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos) << error.what();
        }
      }
    }
  }
}

std::string npy(const std::string& header, const std::string& data, char version = 1) {
  std::string text = "\x93NUMPY";
  text += {version, '\0', static_cast<char>(header.size() & 255U), static_cast<char>(header.size() >> 8U)};
  if (version > 1) text += std::string(2, '\0');
  return text + header + data;
}

std::string refusal(const std::string& bytes) {
  const std::string line = error_of(ErrorKind::format, [&] { parse_tensor_file(bytes_of(bytes), "f"); });
  EXPECT_TRUE(line.starts_with("f: ")) << line;
  return line;
}

TEST(Hdf5, TakesNoMemoryForWhatItClaims) {
  const auto number = [](uint64_t value) { return std::string(reinterpret_cast<const char*>(&value), sizeof value); };
  std::string text = read_text(seed("keras.h5"));
  const size_t extents = text.find(number(3) + number(2) + number(4) + number(5));
  ASSERT_NE(extents, std::string::npos);
  text.replace(extents, 8, number(uint64_t{1} << 60));
  EXPECT_THAT(refusal(text), HasSubstr("'model_weights/conv/conv/kernel:0': "));
  text.replace(extents, 8, number(uint64_t{1} << 30));
  EXPECT_THAT(refusal(text), HasSubstr("'model_weights/conv/conv/kernel:0': its data take"));
}

TEST(Npy, RefusesWrongHeaders) {
  const auto header = [](const char* descr, const char* order, const char* shape) {
    return std::string("{'descr': ") + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
  };
  EXPECT_NO_THROW(parse_tensor_file(bytes_of(npy(header("'<f4'", "False", "(1,)"), "1234")), "f"));
  EXPECT_NO_THROW(
      parse_tensor_file(bytes_of(npy("{\"shape\":(2L,2),\"fortran_order\":True,\"descr\":\"|u1\"}", "1234")), "f"));
  EXPECT_THAT(refusal(npy(header("'<f4'", "False", "(1,)"), "1234", 4)), HasSubstr("version 4"));
  EXPECT_THAT(refusal(npy(header("'|O'", "False", "(1,)"), "1234")), HasSubstr("pickled objects never"));
  EXPECT_THAT(refusal(npy(header("'<c8'", "False", "(1,)"), "12345678")), HasSubstr("elements of type \"<c8\""));
  EXPECT_THAT(refusal(npy(header("[('a', '<f4')]", "False", "(1,)"), "1234")), HasSubstr("records of several fields"));
  EXPECT_THAT(refusal(npy(header("'<f4'", "Maybe", "(1,)"), "1234")), HasSubstr("not as NumPy writes it"));
  EXPECT_THAT(refusal(npy(header("'<f4'", "False", "(-1,)"), "1234")), HasSubstr("not as NumPy writes it"));
  EXPECT_THAT(refusal(npy(header("'<f4'", "False", "(2,)"), "1234")),
              HasSubstr("F32 of shape 2 takes 8 bytes, the file has 4"));
  EXPECT_THAT(refusal(npy(header("'<f4'", "False", "(1152921504606846976,)"), "1234")), HasSubstr("more than 2^48"));
  EXPECT_THAT(refusal(npy(header("'<f4'", "True", "(4294967296,4294967296,16)"), "")), HasSubstr("more than 2^48"));
  EXPECT_THAT(refusal(npy(header("'<f4'", "False", "(1,)") + "x", "1234")), HasSubstr("not as NumPy writes it"));
  EXPECT_THAT(refusal(npy("{}", "")), HasSubstr("not as NumPy writes it"));
  EXPECT_THAT(refusal(npy("{'descr': '<f4", "")), HasSubstr("not as NumPy writes it"));
  EXPECT_NO_THROW(parse_tensor_file(bytes_of(npy(header("'<f4'", "True", "(0,4611686018427387904,8)"), "")), "f"));
}

}  // namespace
}  // namespace fovea
