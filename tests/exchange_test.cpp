#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "fovea/image.h"
#include "fovea/model_file.h"
#include "fovea/onnx.h"
#include "fovea/random.h"
#include "fovea/session.h"
#include "fovea/tensor_file.h"
#include "fovea/zoo.h"
#include "program.h"
#include "toy.h"

// Weights and tensors in and out, by the library and by the program.
namespace fovea {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A model's parameters under other names.
void write_parameters(const fs::path& path, const Model& model, const std::string& prefix) {
  std::vector<StoredTensor> tensors;
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    const Tensor& values = model.parameters()[i];
    tensors.push_back({.name = prefix + model.graph().parameters()[i].name,
                       .dtype = DType::f32,
                       .shape = values.shape(),
                       .bytes = std::as_bytes(values.values())});
  }
  write_tensor_file(path, tensors);
}

void expect_same_parameters(const Model& a, const Model& b) {
  for (size_t i = 0; i < a.parameters().size(); ++i) {
    EXPECT_TRUE(std::ranges::equal(a.parameters()[i].values(), b.parameters()[i].values()));
  }
}

TEST(Weights, LoadFromEveryFormatUnderAnyPrefix) {
  const TempFolder folder;
  for (const char* name : {"w.pth", "w.npz", "w.safetensors"}) {
    for (const char* prefix : {"", "module.", "model.", "net.module.backbone."}) {
      SCOPED_TRACE(std::string(name) + " " + prefix);
      write_parameters(folder / name, toy_model(3), prefix);
      Model model = toy_model(4);
      load_weights(model, folder / name);
      expect_same_parameters(model, toy_model(3));
    }
  }
}

TEST(Weights, ThatDoNotFitAreListed) {
  const TempFolder folder;
  write_parameters(folder / "w.pth", zoo::create("lenet5"), "module.");
  Model model = toy_model(4);
  EXPECT_THAT(error_of(ErrorKind::format, [&] { load_weights(model, folder / "w.pth"); }),
              testing::AllOf(HasSubstr("w.pth: the weights do not fit the network; missing: "),
                             HasSubstr("; unexpected: "), HasSubstr(" more")));
  expect_same_parameters(model, toy_model(4));
}

// A published file against its own configuration, computed by golden/make_keras.py.
TEST(Weights, OfKerasGiveItsLogits) {
  const fs::path folder = test_data() / "imagenet";
  if (!fs::exists(folder)) GTEST_SKIP() << "there is no " << folder;
  const auto golden = nlohmann::json::parse(std::ifstream(FOVEA_TEST_DIR "/golden/keras.json"));
  Model model = zoo::create("mobilenet", {.width = 0.25});
  load_weights(model, folder / "mobilenet_v1_0.25_keras/mobilenet_v1_0.25_224/mobilenet_v1_0.25_224.h5");
  Session session(model, {.batch = 8});
  const Tensor x = read_f32(open_tensor_file(folder / "squeezenet1_1_torchvision.input8.npy").tensors[0]);
  const std::span<float> input = session.input("input");
  for (int64_t i = 0; i < x.size(); ++i) {  // {8, 224, 224, 3} of {8, 3, 224, 224}
    const int64_t c = i % 3;
    const int64_t pixel = i / 3;
    input[static_cast<size_t>(i)] = x[(pixel / 50176 * 3 + c) * 50176 + pixel % 50176];
  }
  session.forward();
  for (size_t n = 0; n < 8; ++n) {
    const auto logits = session.output().subspan(1000 * n, 1000);
    EXPECT_EQ(std::ranges::max_element(logits) - logits.begin(), golden["classes"][n].get<int64_t>());
    for (size_t k = 0; k < 8; ++k) EXPECT_NEAR(logits[k], golden["logits"][n][k].get<double>(), 1e-4);
  }
}

class Exchange : public testing::Test {
 protected:
  Exchange() { setenv("FOVEA_THREADS", "1", 1); }

  std::string succeeds(const Arguments& arguments) const {
    const ProgramResult result = run_program(folder_.path(), arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    return result.out;
  }
  std::string refuses(const Arguments& arguments, int code) const {
    const ProgramResult result = run_program(folder_.path(), arguments);
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    return result.err;
  }
  static std::string seed(const std::string& name) {
    return (fs::path(FOVEA_TEST_DIR) / ".." / "fuzz/seeds/tensor_file" / name).string();
  }

  TempFolder folder_;
};

TEST_F(Exchange, InspectShowsTensorsAndMetadata) {
  const std::string text = succeeds({"inspect", seed("checkpoint.pt")});
  EXPECT_THAT(text, HasSubstr("checkpoint.pt: PyTorch, 12 tensors, "));
  EXPECT_THAT(text, HasSubstr("\nstate_dict.module.0.weight "));
  EXPECT_THAT(text, HasSubstr("\n  arch  tiny\n"));
  EXPECT_THAT(succeeds({"inspect", seed("version2.npy"), "--format", "csv"}),
              HasSubstr("array,F64,3,1.5,1.5,1.5,0,1,1\n"));
  const auto report = nlohmann::json::parse(succeeds({"inspect", seed("views.pt"), "--format", "json"}));
  EXPECT_EQ(report["format"], "PyTorch");
  EXPECT_EQ(report["tensors"][0]["name"], "whole");
  EXPECT_EQ(report["tensors"][0]["shape"], nlohmann::json({2, 3, 4}));
  EXPECT_EQ(report["tensors"][0]["max"], 23.0 / 8);
  EXPECT_THAT(refuses({"inspect"}, 2), HasSubstr("name a file"));
  EXPECT_THAT(refuses({"inspect", "no.pt"}, 3), HasSubstr("No such file"));
  write_text(folder_ / "x.pt", "abc");
  EXPECT_THAT(refuses({"inspect", "x.pt"}, 4),
              HasSubstr("neither a safetensors nor a PyTorch nor a NumPy nor an HDF5 file"));
}

TEST_F(Exchange, ConvertGoesFromFormatToFormat) {
  EXPECT_EQ(succeeds({"convert", seed("checkpoint.pt"), "w.safetensors"}),
            "w.safetensors: 7 tensors, those of state_dict; 5 beside it are left out\n");
  EXPECT_EQ(succeeds({"convert", "w.safetensors", "w.npz"}), "w.npz: 7 tensors\n");
  EXPECT_EQ(succeeds({"convert", "w.npz", "w.pth"}), "w.pth: 7 tensors\n");
  const TensorFile first = open_tensor_file(folder_ / "w.safetensors");
  const TensorFile last = open_tensor_file(folder_ / "w.pth");
  EXPECT_EQ(first.metadata.at("epoch"), "3");
  ASSERT_EQ(last.tensors.size(), 7U);
  for (const StoredTensor& tensor : last.tensors) {
    const StoredTensor* const before = first.find(tensor.name);
    ASSERT_NE(before, nullptr) << tensor.name;
    EXPECT_EQ(before->dtype, tensor.dtype);
    EXPECT_TRUE(std::ranges::equal(before->bytes, tensor.bytes));
  }
  EXPECT_THAT(refuses({"convert", "w.pth"}, 2), HasSubstr("name the file to write"));
  EXPECT_THAT(refuses({"convert", "w.pth", "w.bin"}, 2), HasSubstr("the extension says no format"));
}

TEST_F(Exchange, ConvertCarriesNetworks) {
  EXPECT_THAT(succeeds({"convert", "lenet5", "a.onnx"}), HasSubstr("a.onnx: "));
  EXPECT_THAT(succeeds({"convert", "a.onnx", "a.safetensors"}), HasSubstr(" parameters\n"));
  succeeds({"convert", "a.safetensors", "b.onnx"});
  EXPECT_THAT(succeeds({"inspect", "a.onnx"}),
              testing::AllOf(HasSubstr("a.onnx: ONNX, "), HasSubstr("\nconv1.weight ")));
  EXPECT_EQ(succeeds({"convert", "a.onnx", "a.npz"}).substr(0, 7), "a.npz: ");
  EXPECT_EQ(read_text(folder_ / "a.onnx"), read_text(folder_ / "b.onnx"));
  succeeds({"convert", "a.safetensors", "w.pth"});
  succeeds({"convert", "lenet5", "c.onnx", "--weights", "w.pth", "--mean", "0.5", "--std", "0.25"});
  const Model model = load_model(folder_ / "c.onnx");
  EXPECT_EQ(model.preprocessing.mean, std::vector<float>{0.5F});
  expect_same_parameters(model, load_model(folder_ / "a.onnx"));
  // Of a file without preprocessing pictures can be used once it is told.
  write_png(folder_ / "p.png", Image{9, 9, 1, std::vector<uint8_t>(81, 100)});
  EXPECT_EQ(succeeds({"predict", "a.onnx", "p.png", "--mean", "0.5", "--std", "0.25"}),
            succeeds({"predict", "c.onnx", "p.png"}));
  EXPECT_THAT(refuses({"predict", "c.onnx", "p.png", "--mean", "0.5"}, 2), HasSubstr("that do not have their own"));
  write_text(folder_ / "names.txt", "a\nb\n");
  EXPECT_THAT(refuses({"predict", "c.onnx", "p.png", "--class-names", "names.txt"}, 3), HasSubstr("2 lines"));
  write_text(folder_ / "names.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n");
  succeeds({"convert", "c.onnx", "d.onnx", "--class-names", "names.txt"});
  EXPECT_EQ(load_model(folder_ / "d.onnx").class_names.size(), 10U);

  EXPECT_THAT(refuses({"convert", "w.pth", "x.onnx"}, 2), HasSubstr("holds weights alone"));
  EXPECT_THAT(refuses({"convert", "lenet5", "x.pth"}, 2), HasSubstr("is written as .onnx or .safetensors"));
  EXPECT_THAT(refuses({"convert", "no.onnx", "x.safetensors"}, 3), HasSubstr("No such file"));
}

void write_array(const fs::path& path, const Tensor& values) {
  const StoredTensor tensor{
      .name = "array", .dtype = DType::f32, .shape = values.shape(), .bytes = std::as_bytes(values.values())};
  write_tensor_file(path, std::span(&tensor, 1));
}

TEST_F(Exchange, RunSendsArraysThroughAModel) {
  Model model = toy_model(3);
  save_model(model, folder_ / "m.safetensors");
  Tensor x(Shape{5, 8, 8, 1});
  for (int64_t i = 0; i < x.size(); ++i) x[i] = Random(1).normal(static_cast<uint64_t>(i));
  write_array(folder_ / "x.npy", x);
  EXPECT_EQ(succeeds({"run", "m.safetensors", "--input", "x.npy", "--output", "out"}), "out/fc.npy  5x3\n");
  EXPECT_EQ(succeeds({"run", "m.safetensors", "--input", "input=x.npy"}), "./fc.npy  5x3\n");

  Session session(model, {.batch = 5});
  std::ranges::copy(x.values(), session.input("input").begin());
  session.forward();
  const Tensor y = read_f32(open_tensor_file(folder_ / "out/fc.npy").tensors[0]);
  ASSERT_EQ(y.shape(), Shape({5, 3}));
  for (int64_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], session.output()[static_cast<size_t>(i)], 1e-5);

  EXPECT_THAT(refuses({"run", "m.safetensors"}, 2), HasSubstr("--input"));
  EXPECT_THAT(refuses({"run", "m.safetensors", "--input", "inptu=x.npy"}, 2), HasSubstr("did you mean 'input'"));
  write_array(folder_ / "y.npy", Tensor(Shape{5, 8, 7, 1}));
  EXPECT_THAT(refuses({"run", "m.safetensors", "--input", "y.npy"}, 4),
              HasSubstr("input 'input': expected 5x8x8x1, got 5x8x7x1"));
  write_array(folder_ / "y.npy", Tensor(Shape{}));
  EXPECT_THAT(refuses({"run", "m.safetensors", "--input", "y.npy"}, 4),
              HasSubstr("input 'input': expected 1x8x8x1, got scalar"));
}

TEST_F(Exchange, RunKeepsTheTermsOfAnOnnxFile) {
  succeeds({"convert", "lenet5", "m.onnx"});
  Tensor x(Shape{3, 1, 32, 32});
  for (int64_t i = 0; i < x.size(); ++i) x[i] = Random(1).normal(static_cast<uint64_t>(i));
  write_array(folder_ / "x.npy", x);
  const std::string said = succeeds({"run", "m.onnx", "--input", "x.npy", "--output", "out"});
  EXPECT_THAT(said, HasSubstr("  3x10\n"));
  OnnxNetwork network = import_onnx(folder_ / "m.onnx");
  const OnnxArray array{.type = DType::f32, .shape = x.shape(), .floats = x};
  const std::vector<OnnxArray> expected = run_onnx(network, {{"input", array}});
  const Tensor y = read_f32(open_tensor_file(folder_ / ("out/" + network.outputs[0].name + ".npy")).tensors[0]);
  EXPECT_TRUE(std::ranges::equal(y.values(), expected[0].floats.values()));
  EXPECT_THAT(refuses({"run", "m.onnx", "--input", "y=x.npy"}, 2), HasSubstr("has no input 'y'"));
}

TEST_F(Exchange, WeightsGoIntoNetworksByName) {
  const Model model = zoo::create("lenet5", {}, 5);
  write_parameters(folder_ / "w.pth", model, "module.");
  write_array(folder_ / "x.npy", Tensor(Shape{2, 32, 32, 1}));
  EXPECT_THAT(succeeds({"run", "lenet5", "--weights", "w.pth", "--input", "x.npy"}), HasSubstr("  2x10\n"));
  write_png(folder_ / "a.png", Image{9, 9, 1, std::vector<uint8_t>(81, 100)});
  EXPECT_THAT(succeeds({"predict", "lenet5", "a.png", "--weights", "w.pth", "--mean", "0.13", "--std", "0.31"}),
              HasSubstr(" %  "));
  EXPECT_THAT(refuses({"predict", "lenet5", "a.png"}, 2), HasSubstr("give them with --weights"));
  EXPECT_THAT(refuses({"predict", "w.pth", "a.png"}, 2), HasSubstr("w.pth holds weights alone"));
  EXPECT_THAT(refuses({"predict", "lenet5", "a.png", "--weights", "w.pth", "--mean", "0.1,0.2"}, 2),
              HasSubstr("--mean must be"));
  EXPECT_THAT(refuses({"predict", "lenet5", "a.png", "--weights", "w.pth", "--classes", "3"}, 4),
              HasSubstr("of another shape"));
}

}  // namespace
}  // namespace fovea
