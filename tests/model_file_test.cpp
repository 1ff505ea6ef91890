#include "fovea/model_file.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "fovea/ops.h"
#include "fovea/session.h"
#include "io/checkpoint_file.h"
#include "io/graph_json.h"
#include "test_files.h"
#include "toy.h"

namespace fovea {
namespace {

using nlohmann::json;
using testing::HasSubstr;

void expect_same_parameters(const Model& a, const Model& b) {
  ASSERT_EQ(a.parameters().size(), b.parameters().size());
  for (size_t i = 0; i < a.parameters().size(); ++i) {
    EXPECT_EQ(a.graph().parameters()[i].name, b.graph().parameters()[i].name);
    EXPECT_TRUE(std::ranges::equal(a.parameters()[i].values(), b.parameters()[i].values()));
  }
}

TEST(ModelFile, RoundTrip) {
  const TempFolder folder;
  const Model model = toy_model(3);
  save_model(model, folder / "m.safetensors");
  const Model loaded = load_model(folder / "m.safetensors");
  expect_same_parameters(model, loaded);
  EXPECT_EQ(graph_to_json(loaded.graph()), graph_to_json(model.graph()));
  EXPECT_EQ(loaded.preprocessing, model.preprocessing);
  EXPECT_EQ(loaded.class_names, model.class_names);

  save_model(loaded, folder / "again.safetensors");
  EXPECT_EQ(read_text(folder / "again.safetensors"), read_text(folder / "m.safetensors"));
}

TEST(ModelFile, KeepsAttributesOfEveryKindAndTheOutput) {
  Graph graph;
  const Value x = graph.input("x", {9, 9, 4});
  const Value y =
      leaky_relu(conv(Scope(graph) / "stem.conv", x,
                      {.filters = 8, .kernel = {3, 2}, .stride = 2, .padding = Padding::same(), .groups = 2}),
                 0.1);
  avg_pool(y, {.kernel = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false});
  graph.set_output(y);
  const json saved = graph_to_json(graph);
  const Graph loaded = graph_from_json(json::parse(saved.dump()), "test");
  EXPECT_EQ(graph_to_json(loaded), saved);
  EXPECT_EQ(loaded.node(loaded.output_node()).name, y.name());
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    EXPECT_EQ(loaded.nodes()[i].shape, graph.nodes()[i].shape);
    ASSERT_EQ(loaded.nodes()[i].op == nullptr, graph.nodes()[i].op == nullptr);
    if (!graph.nodes()[i].op) continue;
    EXPECT_EQ(loaded.nodes()[i].op->attributes(), graph.nodes()[i].op->attributes());
  }
}

TEST(ModelFile, KeepsSequencesVolumesAndTransposedConvolutions) {
  Graph graph;
  const Scope scope(graph);
  Value x = conv(scope / "conv1d", graph.input("sequence", {9, 4}), {.filters = 8, .kernel = 3, .groups = 2});
  avg_pool(x, {.kernel = 2, .padding = Padding::sides(1, 0)});
  x = conv(scope / "conv3d", graph.input("volume", {5, 6, 7, 2}), {.filters = 3, .kernel = {1, 2, 3}});
  max_pool(x, {.kernel = 2, .stride = {1, 2, 1}});
  adaptive_avg_pool(scope / "adaptive", x, {2, 3, 1});
  conv_transpose(scope / "up", graph.input("picture", {3, 4, 5}),
                 {.filters = 2, .kernel = {3, 2}, .stride = 2, .padding = {1, 0}, .output_padding = {1, 0}});
  const json saved = graph_to_json(graph);
  const Graph loaded = graph_from_json(json::parse(saved.dump()), "test");
  EXPECT_EQ(graph_to_json(loaded), saved);
  for (size_t i = 0; i < graph.nodes().size(); ++i) EXPECT_EQ(loaded.nodes()[i].shape, graph.nodes()[i].shape);
}

TEST(ModelFile, LoadedModelComputesTheSame) {
  const TempFolder folder;
  Model model = toy_model(3);
  save_model(model, folder / "m.safetensors");
  Model loaded = load_model(folder / "m.safetensors");
  const auto outputs = [](Model& m) {
    Session session(m, {.batch = 2});
    for (size_t i = 0; i < 128; ++i) session.input("input")[i] = Random(1).normal(i);
    session.forward();
    return std::vector<float>(session.output().begin(), session.output().end());
  };
  EXPECT_EQ(outputs(model), outputs(loaded));
}

// ---- Weights alone -------------------------------------------------------------------------------------------------

void write_tensors(const std::filesystem::path& path, const std::vector<std::pair<std::string, Tensor>>& tensors) {
  std::vector<NamedTensor> named;
  for (const auto& [name, tensor] : tensors) named.push_back({name, &tensor});
  write_safetensors(path, named);
}

std::vector<std::pair<std::string, Tensor>> tensors_of(const Model& model) {
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    tensors.emplace_back(model.graph().parameters()[i].name, model.parameters()[i]);
  }
  return tensors;
}

TEST(LoadWeights, TakesAStateDict) {
  const TempFolder folder;
  auto tensors = tensors_of(toy_model(3));
  tensors.emplace_back("bn.num_batches_tracked", Tensor(Shape{}));
  write_tensors(folder / "w.safetensors", tensors);
  Model model = toy_model(4);
  load_weights(model, folder / "w.safetensors");
  expect_same_parameters(model, toy_model(3));
}

TEST(LoadWeights, SkipsAPrefix) {
  const TempFolder folder;
  auto tensors = tensors_of(toy_model(3));
  std::erase_if(tensors, [](const auto& item) { return item.first.starts_with("fc."); });
  tensors.emplace_back("fc.weight", Tensor(Shape{1000, 4}));
  write_tensors(folder / "w.safetensors", tensors);
  Model model = toy_model(4);
  load_weights(model, folder / "w.safetensors", {.skip = "fc."});
  EXPECT_EQ(model.parameter("conv.weight")[0], toy_model(3).parameter("conv.weight")[0]);
  EXPECT_EQ(model.parameter("fc.weight")[0], toy_model(4).parameter("fc.weight")[0]);
}

TEST(LoadWeights, ListsWhatDoesNotFitAndChangesNothing) {
  const TempFolder folder;
  auto tensors = tensors_of(toy_model(3));
  tensors[0].second = Tensor(Shape{6, 3, 3, 3});
  tensors[1].first = "bn.gamma";
  write_tensors(folder / "w.safetensors", tensors);
  Model model = toy_model(4);
  const std::string message = error_of(ErrorKind::format, [&] { load_weights(model, folder / "w.safetensors"); });
  EXPECT_THAT(message,
              HasSubstr("w.safetensors: the weights do not fit the network; missing: \"bn.weight\"; unexpected: "
                        "\"bn.gamma\"; of another shape: \"conv.weight\" (6x3x3x3 in the file, 6x1x3x3 in the"));
  expect_same_parameters(model, toy_model(4));
}

// ---- Hostile files -------------------------------------------------------------------------------------------------

class HostileModel : public ::testing::Test {
 protected:
  // What load_model says of the toy model with its metadata changed.
  template <class Change>
  std::string refusal(Change&& change) {
    save_model(model_, path_);
    std::map<std::string, std::string> metadata = SafetensorsFile::open(path_).metadata();
    change(metadata);
    std::vector<NamedTensor> named;
    for (size_t i = 0; i < model_.parameters().size(); ++i) {
      named.push_back({model_.graph().parameters()[i].name, &model_.parameters()[i]});
    }
    write_safetensors(path_, named, metadata);
    return error_of(ErrorKind::format, [&] { load_model(path_); });
  }
  template <class Change>
  std::string refusal_of_graph(Change&& change) {
    return refusal([&](auto& metadata) {
      json graph = json::parse(metadata["fovea.graph"]);
      change(graph);
      metadata["fovea.graph"] = graph.dump();
    });
  }

  TempFolder folder_;
  std::filesystem::path path_ = folder_ / "m.safetensors";
  Model model_ = toy_model(3);
};

TEST_F(HostileModel, NotAModel) {
  EXPECT_THAT(refusal([](auto& m) { m.clear(); }), HasSubstr("not a Fovea model"));
  EXPECT_THAT(refusal([](auto& m) { m["fovea.version"] = "2"; }), HasSubstr("version \"2\""));
  EXPECT_THAT(refusal([](auto& m) { m.erase("fovea.graph"); }), HasSubstr("lack 'fovea.graph'"));
  EXPECT_THAT(refusal([](auto& m) { m["fovea.graph"] = "{"; }), HasSubstr("invalid JSON"));
  EXPECT_THAT(refusal([](auto& m) { m["fovea.graph"] = "[]"; }), HasSubstr("JSON object expected"));
  EXPECT_THAT(refusal([](auto& m) { m["fovea.graph"] = R"({"nodes": []})"; }), HasSubstr("got 0"));
}

TEST_F(HostileModel, GraphOfTheWrongForm) {
  EXPECT_THAT(refusal_of_graph([](json& g) { g.erase("output"); }), HasSubstr("graph, output: 'output' is missing"));
  EXPECT_THAT(refusal_of_graph([](json& g) { g["output"] = "nowhere"; }), HasSubstr("no node \"nowhere\""));
  EXPECT_THAT(refusal_of_graph([](json& g) { g["output"] = 3; }), HasSubstr("a text expected"));
  EXPECT_THAT(refusal_of_graph([](json& g) { g["nodes"][1] = 5; }), HasSubstr("node 1: a JSON object expected"));
  EXPECT_THAT(refusal_of_graph([](json& g) { g["nodes"][1].erase("inputs"); }), HasSubstr("'inputs' is missing"));
  EXPECT_THAT(refusal_of_graph([](json& g) { g["nodes"][1].erase("attributes"); }), HasSubstr("'attributes'"));
  EXPECT_THAT(refusal_of_graph([](json& g) { g["nodes"][1]["inputs"] = "input"; }), HasSubstr("a list of inputs"));
  EXPECT_THAT(refusal_of_graph([](json& g) { g["nodes"][1]["inputs"] = {"fc"}; }), HasSubstr("no node \"fc\" before"));
  EXPECT_THAT(refusal_of_graph([](json& g) { g["nodes"][1]["inputs"] = json::array(); }), HasSubstr("node 1"));
  EXPECT_THAT(refusal_of_graph([](json& g) { g["nodes"][2]["name"] = "conv"; }), HasSubstr("the name is taken"));
  EXPECT_THAT(refusal_of_graph([](json& g) { g["nodes"][2]["name"] = "a\nb"; }), HasSubstr("printable"));
  EXPECT_THAT(refusal_of_graph([](json& g) { g["nodes"][2]["name"] = std::string(1000, 'x'); }), HasSubstr("200"));
  EXPECT_THAT(refusal_of_graph([](json& g) { g["nodes"][2]["name"] = ""; }), HasSubstr("printable"));
}

TEST_F(HostileModel, OpsThatMakeNoSense) {
  EXPECT_THAT(refusal_of_graph([](json& g) { g["nodes"][1]["op"] = "con"; }), HasSubstr("did you mean 'conv'"));
  EXPECT_THAT(refusal_of_graph([](json& g) { g["nodes"][1]["attributes"]["evil"] = 1; }), HasSubstr("evil"));
  EXPECT_THAT(refusal_of_graph([](json& g) { g["nodes"][1]["attributes"].erase("filters"); }), HasSubstr("filters"));
  for (const json& value : {json(-1), json(0), json(1e300), json("x"), json(nullptr), json::object(), json(INT64_MAX),
                            json(UINT64_MAX), json::array({1, "x"}), json(int64_t{1} << 40)}) {
    EXPECT_FALSE(refusal_of_graph([&](json& g) { g["nodes"][1]["attributes"]["filters"] = value; }).empty()) << value;
  }
}

TEST_F(HostileModel, HugeShapesTakeNoMemory) {
  // 2^47 elements of input, or a dense layer of 2^46: refused before anything of that size is asked for.
  EXPECT_FALSE(refusal_of_graph([](json& g) { g["nodes"][0]["shape"] = {1 << 23, 1 << 23, 2}; }).empty());
  EXPECT_FALSE(refusal_of_graph([](json& g) { g["nodes"][0]["shape"] = {-8, 8, 1}; }).empty());
  EXPECT_FALSE(refusal_of_graph([](json& g) { g["nodes"][0]["shape"] = {0, 8, 1}; }).empty());
  EXPECT_FALSE(refusal_of_graph([](json& g) { g["nodes"][0]["shape"] = {INT64_MAX, INT64_MAX, 2}; }).empty());
  // 2^39 bytes of weights.
  EXPECT_THAT(refusal_of_graph([](json& g) { g["nodes"].back()["attributes"]["units"] = 1 << 24; }),
              HasSubstr("of another shape: \"fc.weight\" (3x96 in the file, 16777216x96 in the network)"));
}

TEST_F(HostileModel, TooManyNodes) {
  const auto nodes = [](size_t count) {
    return [=](json& g) {
      while (g["nodes"].size() < count) {
        json node = {{"name", fmt::format("n{}", g["nodes"].size())},
                     {"op", "relu"},
                     {"inputs", {"input"}},
                     {"attributes", json::object()}};
        g["nodes"].push_back(node);
      }
    };
  };
  EXPECT_THAT(refusal_of_graph(nodes(10'001)), HasSubstr("got 10001"));
}

TEST_F(HostileModel, TensorsThatDoNotFitTheGraph) {
  const std::string message = refusal_of_graph([](json& g) { g["nodes"][1]["attributes"]["bias"] = true; });
  EXPECT_THAT(message, HasSubstr("missing: \"conv.bias\""));
  EXPECT_THAT(refusal_of_graph([](json& g) { g["nodes"].back()["name"] = g["output"] = "head"; }),
              HasSubstr("missing: \"head.weight\", \"head.bias\"; unexpected: \"fc.bias\", \"fc.weight\""));
}

TEST_F(HostileModel, PreprocessingAndClasses) {
  const auto preprocessing = [&](const char* key, const json& value) {
    return refusal([&](auto& metadata) {
      json p = json::parse(metadata["fovea.preprocessing"]);
      p[key] = value;
      metadata["fovea.preprocessing"] = p.dump();
    });
  };
  for (const char* key : {"height", "width", "channels", "padding"}) {
    for (const json& value : {json(-1), json(1e9), json("x"), json(2.5), json(INT64_MAX), json(nullptr)}) {
      EXPECT_THAT(preprocessing(key, value), HasSubstr("preprocessing")) << key << value;
    }
  }
  EXPECT_THAT(preprocessing("height", 9), HasSubstr("the preprocessing gives 9x8x1, node 'input' takes 8x8x1"));
  EXPECT_THAT(preprocessing("mean", {0.1, 0.2}), HasSubstr("makes no sense"));
  EXPECT_THAT(preprocessing("std", {0.0}), HasSubstr("makes no sense"));
  EXPECT_THAT(preprocessing("std", {1e300}), HasSubstr("makes no sense"));
  EXPECT_THAT(preprocessing("std", {nullptr}), HasSubstr("a number expected"));
  EXPECT_THAT(refusal([](auto& m) { m["fovea.classes"] = R"(["a", "b"])"; }), HasSubstr("2 class names for 3 outputs"));
  EXPECT_THAT(refusal([](auto& m) { m["fovea.classes"] = R"(["a", 2, "c"])"; }), HasSubstr("fovea.classes: a text"));
  EXPECT_THAT(refusal([](auto& m) { m["fovea.classes"] = "7"; }), HasSubstr("a list is expected"));
}

TEST_F(HostileModel, AnyByteOfTheHeaderMayBeWrong) {
  save_model(model_, path_);
  const std::string good = read_text(path_);
  uint64_t header = 0;
  std::memcpy(&header, good.data(), sizeof header);
  int refused = 0;
  const Random random(1);
  for (uint64_t i = 0; i < 3000; ++i) {
    std::string bad = good;
    bad[random.below(2 * i, header + 8)] = static_cast<char>(random.bits(2 * i + 1));
    try {
      read_model(SafetensorsFile::parse(bytes_of(bad), "m.safetensors"), "m.safetensors");
    } catch (const Error& error) {
      ++refused;
      EXPECT_EQ(static_cast<int>(error.kind()), static_cast<int>(ErrorKind::format)) << error.what();
      EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos) << error.what();
    }
  }
  EXPECT_GT(refused, 2000);
}

}  // namespace
}  // namespace fovea
