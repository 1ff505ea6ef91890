#include "fovea/transfer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/onnx.h"
#include "fovea/ops.h"
#include "fovea/safetensors.h"
#include "test_files.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Model network(int64_t classes, uint64_t seed, int64_t filters = 4) {
  Graph graph;
  const Scope s(graph);
  Value x = graph.input("input", {6, 6, 1});
  x = relu(conv(s / "features", x, {.filters = filters, .kernel = 3}));
  dense(s / "classifier", flatten(x), classes);
  Model model(std::move(graph), seed);
  model.preprocessing = {6, 6, 1, 0, {0.25F}, {0.5F}};
  return model;
}

bool same(const Model& a, const Model& b, const char* name) {
  return std::ranges::equal(a.parameter(name).values(), b.parameter(name).values());
}

TEST(Transfer, LeavesAHeadOfOtherClassesFresh) {
  const TempFolder folder;
  const Model source = network(10, 1);
  save_model(source, folder / "model.safetensors");
  export_onnx(source, folder / "model.onnx");
  std::vector<NamedTensor> weights;
  for (size_t i = 0; i < source.parameters().size(); ++i) {
    weights.push_back({source.graph().parameters()[i].name, &source.parameters()[i]});
  }
  write_safetensors(folder / "weights.safetensors", weights);

  for (const char* file : {"model.safetensors", "model.onnx", "weights.safetensors"}) {
    Model model = network(3, 2);
    const Model fresh = model;
    const Transfer transfer = transfer_weights(model, folder / file);
    EXPECT_THAT(transfer.head, ElementsAre("classifier.weight", "classifier.bias")) << file;
    EXPECT_EQ(transfer.classes, 10) << file;
    EXPECT_TRUE(same(model, source, "features.weight")) << file;
    EXPECT_TRUE(same(model, fresh, "classifier.weight")) << file;
    EXPECT_EQ(transfer.preprocessing.height, std::string(file) == "weights.safetensors" ? 0 : 6) << file;
  }
}

TEST(Transfer, TakesEverythingWhereTheClassesAreAsMany) {
  const TempFolder folder;
  const Model source = network(3, 1);
  save_model(source, folder / "model.safetensors");
  Model model = network(3, 2);
  EXPECT_TRUE(transfer_weights(model, folder / "model.safetensors").head.empty());
  EXPECT_TRUE(same(model, source, "classifier.weight"));
  EXPECT_THAT(head_parameters(model.graph()), ElementsAre("classifier.weight", "classifier.bias"));
}

TEST(Transfer, FindsAHeadOfAnotherName) {
  const TempFolder folder;
  const Model source = network(10, 1);
  std::vector<NamedTensor> weights;
  for (size_t i = 0; i < source.parameters().size(); ++i) {
    const std::string& name = source.graph().parameters()[i].name;
    weights.push_back({name.starts_with("classifier") ? "last." + name.substr(11) : name, &source.parameters()[i]});
  }
  write_safetensors(folder / "renamed.safetensors", weights);
  Model other = network(3, 2);
  EXPECT_THAT(transfer_weights(other, folder / "renamed.safetensors").head,
              ElementsAre("classifier.weight", "classifier.bias"));
  Model equal = network(10, 2);
  EXPECT_TRUE(transfer_weights(equal, folder / "renamed.safetensors").head.empty());
  EXPECT_TRUE(same(equal, source, "classifier.weight"));
  // Two could be meant.
  const Tensor another({7});
  weights.push_back({"another", &another});
  write_safetensors(folder / "two.safetensors", weights);
  EXPECT_THAT(error_of(ErrorKind::format, [&] { transfer_weights(other, folder / "two.safetensors"); }),
              HasSubstr("missing: \"classifier.bias\"; unexpected: \"another\", \"last.bias\""));
}

TEST(Transfer, NamesWhatDoesNotFit) {
  const TempFolder folder;
  save_model(network(10, 1, 5), folder / "wide.safetensors");
  Model model = network(3, 2);
  const Model fresh = model;
  const std::string message =
      error_of(ErrorKind::format, [&] { transfer_weights(model, folder / "wide.safetensors"); });
  EXPECT_THAT(message, HasSubstr("wide.safetensors"));
  EXPECT_THAT(message, HasSubstr("\"features.weight\" (5x1x3x3 in the file, 4x1x3x3 in the network)"));
  EXPECT_THAT(message, HasSubstr("\"classifier.weight\" (10x80"));
  EXPECT_TRUE(same(model, fresh, "features.weight"));
  EXPECT_THROW(transfer_weights(model, folder / "missing.safetensors"), Error);
}

}  // namespace
}  // namespace fovea
