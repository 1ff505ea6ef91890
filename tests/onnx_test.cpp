// ONNX in and out: against ONNX's own tests and against what other programs computed, and a file that is read, written
// and read again.
#include "fovea/onnx.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "fovea/model_file.h"
#include "fovea/ops.h"
#include "fovea/session.h"
#include "fovea/zoo.h"
#include "io/onnx/graph_import.h"
#include "test_files.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;

const fs::path backend_tests = "/usr/lib/python3/dist-packages/onnx/backend/test/data";

OnnxArray floats(const Shape& shape) {
  OnnxArray array{.type = DType::f32, .shape = shape, .floats = Tensor(shape)};
  const Random random(7, 0);
  for (int64_t i = 0; i < array.size(); ++i) array.floats[i] = random.normal(static_cast<uint64_t>(i));
  return array;
}

void expect_near(const OnnxArray& got, std::span<const float> expected, double tolerance) {
  ASSERT_EQ(got.size(), std::ssize(expected));
  double scale = 1;
  for (const float value : expected) scale = std::max(scale, std::fabs(static_cast<double>(value)));
  for (int64_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got.floats[i], expected[static_cast<size_t>(i)], tolerance * scale) << "element " << i;
  }
}

onnx::ModelProto parse(const std::string& bytes) {
  onnx::ModelProto file;
  EXPECT_TRUE(file.ParseFromString(bytes));
  return file;
}

OnnxNetwork import(const std::string& bytes) { return import_onnx(bytes_of(bytes), "test"); }

OnnxArray run(OnnxNetwork& network, const OnnxArray& input) {
  return std::move(run_onnx(network, {{network.inputs.at(0).name, input}}).at(0));
}

// A small network of what the zoo has: convolutions, batch normalisation, a residual sum, dense layers.
Model small_model() {
  Graph graph;
  Scope root(graph);
  Value x = graph.input("input", {9, 8, 3});
  Value y = relu(batch_norm(root / "bn1", conv(root / "conv1", x, {.filters = 6, .kernel = 3, .padding = 1})));
  y = y + gelu(conv(root / "conv2", y, {.filters = 6, .kernel = 3, .padding = Padding::same(), .groups = 2}));
  y = scale(root / "gamma", layer_norm(root / "norm", y), 0.5);
  y = silu(dense(root / "mix", y, 5));
  y = dropout(max_pool(y, {.kernel = 2, .ceil_mode = true}));
  y = dense(root / "fc", flatten(hard_swish(y)), 4);
  Model model(std::move(graph), 3);
  model.preprocessing = {.height = 9, .width = 8, .channels = 3, .mean = {0.5F, 0.4F, 0.3F}, .std = {0.2F, 0.3F, 0.4F}};
  model.class_names = {"a", "b", "c", "d"};
  return model;
}

TEST(Onnx, ImportsWhatItExported) {
  Model model = small_model();
  const std::string bytes = export_onnx(model);
  OnnxNetwork network = import(bytes);
  EXPECT_TRUE(network.any_batch);
  EXPECT_EQ(network.inputs.at(0).shape, Shape({1, 3, 9, 8}));
  EXPECT_EQ(network.model.preprocessing, model.preprocessing);
  EXPECT_EQ(network.model.class_names, model.class_names);
  std::vector<std::string> names, imported;
  for (const ParameterSpec& spec : model.graph().parameters()) names.push_back(spec.name);
  for (const ParameterSpec& spec : network.model.graph().parameters()) imported.push_back(spec.name);
  EXPECT_THAT(imported, testing::UnorderedElementsAreArray(names));
  EXPECT_EQ(network.model.graph().nodes().size(), model.graph().nodes().size());

  const OnnxArray input = floats({2, 3, 9, 8});
  Session session(model, {.batch = 2});
  const std::span<float> target = session.input("input");
  for (int64_t n = 0, at = 0; n < 2; ++n) {
    for (int64_t p = 0; p < 72; ++p) {
      for (int64_t c = 0; c < 3; ++c) target[static_cast<size_t>(at++)] = input.floats[(n * 3 + c) * 72 + p];
    }
  }
  session.forward();
  expect_near(run(network, input), session.output(), 1e-5);
}

TEST(Onnx, ExportOfAnImportIsTheSameFile) {
  const std::string bytes = export_onnx(small_model());
  EXPECT_TRUE(export_onnx(import(bytes).model) == bytes);
}

TEST(Onnx, AnImportedModelSurvivesItsOwnFormat) {
  const TempFolder folder;
  OnnxNetwork network = import(export_onnx(small_model()));
  save_model(network.model, folder / "model.safetensors");
  EXPECT_TRUE(export_onnx(load_model(folder / "model.safetensors")) == export_onnx(network.model));
  export_onnx(network.model, folder / "model.onnx");
  EXPECT_TRUE(export_onnx(load_model(folder / "model.onnx")) == export_onnx(network.model));
}

TEST(Onnx, AnImportedNetworkTrains) {
  OnnxNetwork network = import(export_onnx(small_model()));
  Model& model = network.model;
  Graph graph = model.graph();
  const Value logits = graph.output();
  const Value loss = cross_entropy(logits, graph.input("classes", {}));
  Session session(model, graph, {.batch = 4, .training = true, .differentiate = loss.name()});
  const OnnxArray input = floats({4, 9, 8, 3});
  std::ranges::copy(input.floats.values(), session.input("input").begin());
  for (int i = 0; i < 4; ++i) session.input("classes")[static_cast<size_t>(i)] = static_cast<float>(i);
  float first = 0, now = 0;
  for (int step = 0; step < 60; ++step) {
    session.forward();
    now = session.activation(loss.name())[0];
    if (step == 0) first = now;
    session.backward();
    for (size_t p = 0; p < model.parameters().size(); ++p) {
      const std::span<const float> gradient = session.parameter_gradient(p);
      for (size_t i = 0; i < gradient.size(); ++i) model.parameters()[p].values()[i] -= 0.05F * gradient[i];
    }
    session.parameters_changed();
  }
  EXPECT_LT(now, 0.5F * first);
}

// x / 0.5 of ties, rounded to even, and limits; then brought back.
TEST(Onnx, QuantisesAndTrainsThroughIt) {
  onnx::ModelProto file = parse(export_onnx(Model([] {
    Graph graph;
    Value x = graph.input("x", {6});
    relu(x);
    return graph;
  }())));
  onnx::GraphProto& graph = *file.mutable_graph();
  graph.clear_node();
  const auto constant = [&](const char* name, int type, const auto& fill) {
    onnx::TensorProto& tensor = *graph.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(type);
    fill(tensor);
  };
  constant("scale", onnx::TensorProto::FLOAT, [](onnx::TensorProto& t) { t.add_float_data(0.5F); });
  constant("point", onnx::TensorProto::UINT8, [](onnx::TensorProto& t) { t.add_int32_data(3); });
  const auto add = [&](const char* op, const char* x, const char* y) {
    onnx::NodeProto& node = *graph.add_node();
    node.set_op_type(op);
    for (const char* const input : {x, "scale", "point"}) node.add_input(input);
    node.add_output(y);
  };
  add("QuantizeLinear", "x", "q");
  add("DequantizeLinear", "q", "y");
  graph.mutable_output(0)->set_name("y");
  OnnxNetwork network = import(file.SerializeAsString());
  const std::vector<float> values = {-9, 0.25F, 0.75F, -0.75F, 1.1F, 200};
  const OnnxArray x{.type = DType::f32, .shape = {1, 6}, .floats = Tensor({1, 6}, values)};
  const std::vector<float> expected = {-1.5F, 0, 1, -1, 1, 126};
  expect_near(run(network, x), expected, 1e-6);
  // What is not beyond the limits passes gradients straight through.
  Session session(network.model, {.training = true, .differentiate = "y", .gradients = {"x"}});
  std::ranges::copy(x.floats.values(), session.input("x").begin());
  session.forward();
  session.backward();
  const auto gradient = session.gradient("x");
  EXPECT_EQ(std::vector<float>(gradient.begin(), gradient.end()), std::vector<float>({0, 1, 1, 1, 1, 0}));
}

class OnnxZoo : public testing::TestWithParam<const char*> {};

TEST_P(OnnxZoo, GoesOutAndComesBack) {
  Model model = zoo::create(GetParam());
  const std::string bytes = export_onnx(model);
  OnnxNetwork network = import(bytes);
  EXPECT_TRUE(export_onnx(network.model) == bytes);
  Session ours(model, {});
  Session theirs(network.model, {});
  const OnnxArray input = floats(model.graph().node(model.graph().inputs()[0]).shape);
  std::ranges::copy(input.floats.values(), ours.input("input").begin());
  std::ranges::copy(input.floats.values(), theirs.input("input").begin());
  ours.forward();
  theirs.forward();
  double scale = 1e-3;
  for (const float value : ours.output()) scale = std::max(scale, std::fabs(static_cast<double>(value)));
  for (size_t i = 0; i < ours.output().size(); ++i) {
    ASSERT_NEAR(theirs.output()[i], ours.output()[i], 1e-4 * scale) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, OnnxZoo,
                         testing::Values("lenet5", "resnet18", "squeezenet1_1", "mobilenet_v2", "mobilenet_v3_small",
                                         "mnasnet0_5", "densenet121", "googlenet", "efficientnet_b0", "convnext_tiny"));

TEST(Onnx, EveryNetworkOfTheZooCanBeWritten) {
  for (const ZooEntry& entry : zoo::list()) {
    const Graph graph = zoo::build(entry.name);
    if (graph.total_cost().parameters > 4'000'000) continue;  // of the larger ones of a family the small ones tell
    EXPECT_NO_THROW(export_onnx(zoo::create(entry.name))) << entry.name;
  }
}

TEST(Onnx, NamesEverythingThatIsNotSupported) {
  onnx::ModelProto file = parse(export_onnx(small_model()));
  for (onnx::NodeProto& node : *file.mutable_graph()->mutable_node()) {
    if (node.name() == "conv1") node.set_op_type("Convolve");
    if (node.name() == "fc") node.set_domain("com.example");
  }
  file.mutable_graph()->mutable_node()->rbegin()->set_domain("com.example");
  try {
    import(file.SerializeAsString());
    FAIL() << "nothing was thrown";
  } catch (const OnnxUnsupported& error) {
    EXPECT_EQ(error.kind(), ErrorKind::format);
    EXPECT_THAT(error.what(), testing::HasSubstr("'conv1' (Convolve): the operator is not supported"));
    EXPECT_EQ(error.reasons().at(0).node, "conv1");
  }
}

TEST(Onnx, RefusesDamagedFiles) {
  const std::string bytes = export_onnx(small_model());
  EXPECT_THAT(error_of(ErrorKind::format, [&] { import(bytes.substr(0, bytes.size() / 2)); }),
              testing::HasSubstr("not an ONNX file"));
  EXPECT_THAT(error_of(ErrorKind::format, [&] { import(""); }), testing::HasSubstr("no graph"));

  onnx::ModelProto file = parse(bytes);
  file.mutable_graph()->mutable_initializer(0)->set_dims(0, int64_t{1} << 60);
  EXPECT_THAT(error_of(ErrorKind::format, [&] { import(file.SerializeAsString()); }),
              testing::HasSubstr("conv1.weight"));
  file = parse(bytes);
  file.mutable_graph()->mutable_initializer(0)->set_dims(0, 7);
  EXPECT_THAT(error_of(ErrorKind::format, [&] { import(file.SerializeAsString()); }), testing::HasSubstr("bytes"));
  file = parse(bytes);
  file.mutable_graph()->mutable_node(0)->set_input(0, "elsewhere");
  EXPECT_THAT(error_of(ErrorKind::format, [&] { import(file.SerializeAsString()); }),
              testing::HasSubstr("'elsewhere' comes from nowhere"));
}

TEST(Onnx, RefusesASlopeThatIsLargerThanItsValue) {
  Graph source;
  prelu(Scope(source) / "bent", source.input("x", {3}));
  for (const std::vector<int64_t>& dims : {std::vector<int64_t>{2, 1, 3}, std::vector<int64_t>{2, 3}}) {
    onnx::ModelProto file = parse(export_onnx(Model(source)));
    onnx::TensorProto& slope = *file.mutable_graph()->mutable_initializer(0);
    slope.clear_dims();
    for (const int64_t dim : dims) slope.add_dims(dim);
    slope.set_raw_data(std::string(6 * sizeof(float), '\0'));
    EXPECT_THAT(error_of(ErrorKind::format, [&] { import(file.SerializeAsString()); }),
                testing::HasSubstr("does not broadcast to"));
  }
}

// Large weights stay where they lie in the file.
TEST(Onnx, LargeWeightsAreHeldAgainstTheirShapes) {
  const TempFolder folder;
  Graph graph;
  dense(Scope(graph) / "fc", graph.input("input", {40}), 60);
  const Model model(std::move(graph), 3);
  const std::string bytes = export_onnx(model);
  write_text(folder / "m.onnx", bytes);
  EXPECT_TRUE(std::ranges::equal(import_onnx(folder / "m.onnx").model.parameter("fc.weight").values(),
                                 model.parameter("fc.weight").values()));
  const TensorFile tensors = open_tensor_file(folder / "m.onnx");
  EXPECT_TRUE(std::ranges::equal(read_f32(*tensors.find("fc.weight")).values(), model.parameter("fc.weight").values()));
  EXPECT_TRUE(std::ranges::equal(read_f32(*tensors.find("fc.bias")).values(), model.parameter("fc.bias").values()));
  for (const int64_t rows : {int64_t{1} << 60, int64_t{61}, int64_t{59}}) {
    onnx::ModelProto file = parse(bytes);
    file.mutable_graph()->mutable_initializer(0)->set_dims(0, rows);
    const std::string wrong = file.SerializeAsString();
    EXPECT_THAT(error_of(ErrorKind::format, [&] { import(wrong); }), testing::HasSubstr("tensor 'fc.weight': "));
    error_of(ErrorKind::format, [&] { parse_tensor_file(bytes_of(wrong), "m.onnx"); });
  }
  for (size_t size = 0; size < bytes.size(); size += 97) {
    error_of(ErrorKind::format, [&] { import(bytes.substr(0, size)); });
  }
}

// Weights of conv1 in a file beside the model's.
void make_external(const fs::path& path, const std::string& location) {
  onnx::ModelProto file = parse(export_onnx(small_model()));
  onnx::TensorProto& tensor = *file.mutable_graph()->mutable_initializer(0);
  write_text(path.parent_path() / "weights.bin", "1234" + tensor.raw_data());
  tensor.clear_raw_data();
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  for (const auto& [key, value] : {std::pair{"location", location.c_str()}, std::pair{"offset", "4"}}) {
    onnx::StringStringEntryProto& entry = *tensor.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  }
  write_text(path, file.SerializeAsString());
}

TEST(Onnx, ReadsExternalDataInsideTheFolderOnly) {
  const TempFolder folder;
  fs::create_directory(folder / "inner");
  make_external(folder / "inner" / "model.onnx", "weights.bin");
  EXPECT_TRUE(export_onnx(import_onnx(folder / "inner" / "model.onnx").model) == export_onnx(small_model()));

  write_text(folder / "outside.bin", "12345678");
  fs::create_symlink(folder / "outside.bin", folder / "inner" / "link.bin");
  for (const char* const location : {"../outside.bin", "/etc/passwd", "link.bin"}) {
    make_external(folder / "inner" / "model.onnx", location);
    EXPECT_THAT(error_of(ErrorKind::format, [&] { import_onnx(folder / "inner" / "model.onnx"); }),
                testing::HasSubstr("must lie in the model's folder"));
  }
  make_external(folder / "inner" / "model.onnx", "missing.bin");
  error_of(ErrorKind::data, [&] { import_onnx(folder / "inner" / "model.onnx"); });
}

// The tests that concern convolutional networks; the whole list is in the data folder.
TEST(Onnx, PassesBackendTests) {
  const fs::path list = test_data() / "onnx" / "cnn_tests.txt";
  if (!fs::exists(list)) GTEST_SKIP() << "the list of tests is not there: " << list;
  if (!fs::exists(backend_tests)) GTEST_SKIP() << "Debian's libonnx-testdata is not installed";
  int passed = 0;
  std::ifstream names(list);
  for (std::string name; names >> name;) {
    const OnnxCheck check = check_onnx(backend_tests / name);
    EXPECT_NE(static_cast<int>(check.outcome), static_cast<int>(OnnxCheck::Outcome::failed)) << name << check.reason;
    passed += check.outcome == OnnxCheck::Outcome::passed;
  }
  EXPECT_GE(passed, 540);
}

TEST(Onnx, TheDocumentNamesEveryOperator) {
  const std::string document = read_text(fs::path(FOVEA_TEST_DIR) / ".." / "docs" / "onnx.md");
  for (const std::string_view op : onnx_operators()) {
    EXPECT_THAT(document, testing::HasSubstr(fmt::format("`{}`", op)));
  }
}

// A .npy file of float32.
std::vector<float> read_npy(const fs::path& path) {
  const std::vector<std::byte> bytes = read_file(path, 1 << 26);
  const size_t header = 10 + static_cast<size_t>(bytes.at(8)) + 256 * static_cast<size_t>(bytes.at(9));
  std::vector<float> values((bytes.size() - header) / sizeof(float));
  std::memcpy(values.data(), bytes.data() + header, values.size() * sizeof(float));
  return values;
}

TEST(Onnx, ReproducesSqueezeNetsLogits) {
  const fs::path folder = test_data() / "imagenet";
  if (!fs::exists(folder)) GTEST_SKIP() << "there is no " << folder;
  OnnxNetwork network = import_onnx(folder / "squeezenet1_1_torchvision.onnx");
  const Shape shape{8, 3, 224, 224};
  OnnxArray input{.type = DType::f32,
                  .shape = shape,
                  .floats = Tensor(shape, read_npy(folder / "squeezenet1_1_torchvision.input8.npy"))};
  expect_near(run(network, input), read_npy(folder / "squeezenet1_1_torchvision.logits8.npy"), 1e-5);
}

}  // namespace
}  // namespace fovea
