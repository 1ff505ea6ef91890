#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "core/file.h"
#include "fovea/embedding.h"
#include "fovea/error.h"
#include "fovea/features.h"
#include "fovea/shape_bias.h"
#include "model_options.h"
#include "options.h"
#include "table.h"
#include "words.h"

namespace fovea::cli {

namespace {

struct EmbedCommand {
  CommonOptions common;
  ModelOptions model;
  DataOptions data;
  std::string input;
  std::string method = "tsne";
  FeatureOptions features;
  int64_t max_items = 1000;
  TsneOptions tsne;
  std::string output;
  std::string similarity;
};

void write_text(const std::filesystem::path& path, const std::string& text) {
  write_file_atomically(path, std::as_bytes(std::span<const char>(text)));
}

void run_embed(const EmbedCommand& command) {
  command.common.apply();
  if (command.output.empty() && command.similarity.empty()) {
    throw Error(ErrorKind::usage, "say what to write: --out MAP.svg, --similarity MATRIX.svg");
  }
  Model model = command.model.open(input_shape(command.input));
  const DataSplits splits = command.data.open();
  const auto dataset = spread(splits.test ? splits.test : splits.train, command.max_items);
  const std::string node = command.features.layer.empty() ? feature_layer(model.graph()) : command.features.layer;
  const Tensor features = extract_features(model, dataset, command.features);
  const std::vector<std::string>& names = dataset->class_names();
  std::vector<int64_t> labels;
  for (int64_t item = 0; item < dataset->size(); ++item) labels.push_back(dataset->label(item));
  if (!command.output.empty()) {
    const bool linear = command.method == "pca";
    PrincipalComponents principal = principal_components(features, 2);
    const Tensor points = linear ? std::move(principal.points) : tsne(features, command.tsne);
    std::vector<std::string> texts;
    for (int64_t item = 0; item < dataset->size(); ++item) {
      const auto label = static_cast<size_t>(labels[static_cast<size_t>(item)]);
      texts.push_back(fmt::format("{}: {}", dataset->item_name(item), names[label]));
    }
    const std::string title =
        fmt::format("{} of '{}', {} pictures", linear ? "principal components" : "t-SNE", node, dataset->size());
    write_text(command.output, embedding_svg(points, labels, names, texts, title));
    if (linear) {
      fmt::print("the two components explain {:.1f} % and {:.1f} % of the variance\n", 100 * principal.explained[0],
                 100 * principal.explained[1]);
    }
    fmt::print("{}: {} pictures, {} features of '{}'\n", command.output, dataset->size(), features.shape()[1], node);
  }
  if (command.similarity.empty()) return;
  const Tensor matrix = class_similarity(features, labels, std::ssize(names));
  write_text(command.similarity, similarity_svg(matrix, names, fmt::format("similarity of classes by '{}'", node)));
  fmt::print("{}: cosines of {} classes\n", command.similarity, names.size());
}

struct ShapeBiasCommand {
  CommonOptions common;
  ModelOptions model;
  std::string folder;
  Format format = Format::text;
};

void run_shape_bias(const ShapeBiasCommand& command) {
  command.common.apply();
  require_option(command.folder, "name a model file, then the folder of cue-conflict pictures");
  Model model = command.model.open({});
  const std::vector<Category>& categories = imagenet_categories();
  const std::vector<CueConflict> pictures = find_cue_conflicts(command.folder, categories);
  const ShapeBias result = measure_shape_bias(std::move(model), pictures, categories);
  if (command.format == Format::json) {
    nlohmann::ordered_json report = {{"pictures", pictures.size()},
                                     {"shape", result.shape},
                                     {"texture", result.texture},
                                     {"neither", result.neither},
                                     {"shape_bias", result.bias}};
    for (size_t k = 0; k < categories.size(); ++k) {
      report["categories"].push_back({{"category", categories[k].name},
                                      {"shape", result.categories[k].shape},
                                      {"texture", result.categories[k].texture}});
    }
    return fmt::print("{}\n", report.dump());
  }
  std::vector<Line> lines = {{"shape of", "by shape", "by texture"}};
  for (size_t k = 0; k < categories.size(); ++k) {
    lines.push_back({categories[k].name, fmt::format("{}", result.categories[k].shape),
                     fmt::format("{}", result.categories[k].texture)});
  }
  print_table(lines, "lrr");
  fmt::print("shape bias {:.1f} %: {} by shape, {} by texture, {} by neither, of {} pictures\n", 100 * result.bias,
             result.shape, result.texture, result.neither, pictures.size());
}

}  // namespace

Run add_embed(CLI::App& program) {
  auto options = std::make_shared<EmbedCommand>();
  CLI::App& command = add_command(program, "embed", "A data set as a map: what a network finds alike");
  options->model.add(command);
  options->model.add_pictures(command);
  add_input_option(command, options->input);
  options->data.add(command);
  add_choice(command, "--method", options->method, {"tsne", "pca"}, "how features become two numbers");
  add_option(command, "--layer", options->features.layer,
             "node with the features; default: what the scores are made of")
      .type_name("NODE");
  add_number(command, "--max-items", options->max_items, "pictures, evenly spaced over the data set");
  add_number(command, "--perplexity", options->tsne.perplexity, "of t-SNE: neighbours that count");
  add_number(command, "--iterations", options->tsne.iterations, "of t-SNE");
  add_number(command, "--seed", options->tsne.seed, "of t-SNE");
  add_option(command, "--out", options->output, "SVG of the map").type_name("FILE");
  add_option(command, "--similarity", options->similarity, "SVG of the cosines between classes").type_name("FILE");
  options->common.add(command);
  return [options] { run_embed(*options); };
}

Run add_shape_bias(CLI::App& program) {
  auto options = std::make_shared<ShapeBiasCommand>();
  CLI::App& command =
      add_command(program, "shape-bias", "Whether a network of ImageNet's classes goes by shape or by texture");
  options->model.add(command);
  options->model.add_pictures(command);
  add_option(command, "folder", options->folder, "pictures named SHAPE-TEXTURE.png, such as cat/cat7-elephant1.png")
      .type_name("FOLDER");
  add_format_option(command, options->format);
  options->common.add(command);
  return [options] { run_shape_bias(*options); };
}

}  // namespace fovea::cli
