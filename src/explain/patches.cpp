// Classifiers of patches: their data, and their scores all over a picture, patch by patch or in one pass.
#include <fmt/format.h>

#include <algorithm>

#include "data/convert.h"
#include "explain/picture_input.h"
#include "fovea/error.h"
#include "fovea/image_ops.h"
#include "fovea/ops.h"
#include "fovea/random.h"
#include "fovea/segment.h"
#include "fovea/session.h"

namespace fovea {

namespace {

int reflected(int i, int extent) {
  const int period = 2 * extent;
  i = ((i % period) + period) % period;
  return i < extent ? i : period - 1 - i;
}

Image mirrored_crop(const Image& image, int top, int left, int height, int width) {
  Image result{height, width, image.channels, {}};
  result.pixels.reserve(static_cast<size_t>(height) * static_cast<size_t>(width) * static_cast<size_t>(image.channels));
  for (int y = 0; y < height; ++y) {
    const int row = reflected(top + y, image.height);
    for (int x = 0; x < width; ++x) {
      const int column = reflected(left + x, image.width);
      const auto at = image.pixels.begin() + (static_cast<std::ptrdiff_t>(row) * image.width + column) * image.channels;
      result.pixels.insert(result.pixels.end(), at, at + image.channels);
    }
  }
  return result;
}

struct Pixel {
  size_t item;
  int64_t at;
};

// The new graph as it grows beside the old one.
class Converter {
 public:
  Converter(const Model& classifier, int height, int width) : old_(classifier.graph()) {
    const Node& input = old_.node(only_input(old_));
    values_.resize(old_.nodes().size());
    for (size_t i = 0; i < old_.nodes().size(); ++i) {
      const Node& node = old_.nodes()[i];
      if (!node.op) {
        values_[i] = graph_.input(node.name, {height, width, input.shape.back()});
        continue;
      }
      try {
        values_[i] = convert(node);
      } catch (const Error& error) {
        throw Error(ErrorKind::format, fmt::format("node '{}' ({}) does not become a convolution: {}", node.name,
                                                   node.op->type(), error.what()));
      }
      for (const int parameter : node.parameters) sources_.push_back(static_cast<size_t>(parameter));
    }
    graph_.set_output(values_[static_cast<size_t>(old_.output_node())]);
  }

  Model finish(const Model& classifier, int height, int width) && {
    std::vector<Tensor> parameters;
    for (size_t i = 0; i < sources_.size(); ++i) {
      parameters.push_back(classifier.parameters()[sources_[i]].reshaped(graph_.parameters()[i].shape));
    }
    Model model(std::move(graph_), std::move(parameters));
    model.preprocessing = classifier.preprocessing;
    model.preprocessing.height = height;
    model.preprocessing.width = width;
    model.preprocessing.shorter_side = 0;
    model.class_names = classifier.class_names;
    return model;
  }

 private:
  const Node& source(const Node& node) const { return old_.node(node.inputs[0]); }

  Value convert(const Node& node) {
    std::vector<Value> inputs;
    for (const int input : node.inputs) inputs.push_back(values_[static_cast<size_t>(input)]);
    const std::string_view type = node.op->type();
    const Shape& before = source(node).shape;
    // What was flattened stays a map; the dense layer behind it gets the window.
    if (type == "flatten" && before.rank() == 4) {
      windows_[node.name] = before;
      return inputs[0];
    }
    if (type == "dense" && before.rank() == 2) return convolution(node, inputs[0]);
    if (type == "global_avg_pool") {
      return avg_pool(Scope(graph_) / node.name, inputs[0], {.kernel = {before[1], before[2]}, .stride = 1});
    }
    return graph_.add(node.name, node.op, inputs);
  }

  Value convolution(const Node& node, Value x) {
    const auto flattened = windows_.find(source_of_identities(node).name);
    const bool is_window = flattened != windows_.end();
    const Extents window = is_window ? Extents(flattened->second[1], flattened->second[2]) : Extents(1);
    return conv(Scope(graph_) / node.name, x,
                {.filters = node.shape.back(), .kernel = window, .bias = node.parameters.size() == 2});
  }

  // Dropout and activations between flatten and dense keep the window.
  const Node& source_of_identities(const Node& node) const {
    const Node* at = &source(node);
    while (at->op && at->parameters.empty() && at->inputs.size() == 1 && !windows_.contains(at->name))
      at = &source(*at);
    return *at;
  }

  const Graph& old_;
  Graph graph_;
  std::vector<Value> values_;
  std::map<std::string, Shape> windows_;  // by the flatten
  std::vector<size_t> sources_;           // of each new parameter: the old one
};

void check_classifier(const Graph& graph) {
  const Node& output = graph.node(graph.output_node());
  if (output.shape.rank() == 2) return;
  throw Error(ErrorKind::format, fmt::format("a classifier's output is {{1, classes}}, '{}' gives {}", output.name,
                                             to_string(output.shape)));
}

}  // namespace

std::shared_ptr<const Dataset> patch_dataset(const std::vector<MaskedPicture>& items,
                                             std::vector<std::string> class_names, const PatchSetOptions& options) {
  if (options.height < 1 || options.width < 1 || options.height > 4096 || options.width > 4096 ||
      options.per_class < 1) {
    throw Error(ErrorKind::usage, "patches have sides of 1 to 4096, and there is at least one of each class");
  }
  std::vector<std::vector<Pixel>> pixels(class_names.size());
  for (size_t n = 0; n < items.size(); ++n) {
    for (int64_t i = 0; i < std::ssize(items[n].mask.pixels); ++i) {
      const uint8_t sample = items[n].mask.pixels[static_cast<size_t>(i)];
      if (sample == options.ignore) continue;
      if (sample >= class_names.size()) {
        throw Error(ErrorKind::usage,
                    fmt::format("patches: sample {} of a mask is none of the {} classes", sample, class_names.size()));
      }
      pixels[sample].push_back({n, i});
    }
  }
  std::vector<Image> images;
  std::vector<int64_t> labels;
  for (size_t k = 0; k < pixels.size(); ++k) {
    const Random random(options.seed, k);
    const int64_t count = std::min(options.per_class, std::ssize(pixels[k]));
    // The first steps of a Fisher-Yates shuffle.
    for (int64_t i = 0; i < count; ++i) {
      const auto left = static_cast<uint64_t>(std::ssize(pixels[k]) - i);
      const uint64_t other = static_cast<uint64_t>(i) + random.below(static_cast<uint64_t>(i), left);
      std::swap(pixels[k][static_cast<size_t>(i)], pixels[k][other]);
      const Pixel& pixel = pixels[k][static_cast<size_t>(i)];
      const Image& picture = items[pixel.item].picture;
      const int row = static_cast<int>(pixel.at / picture.width), column = static_cast<int>(pixel.at % picture.width);
      images.push_back(
          mirrored_crop(picture, row - options.height / 2, column - options.width / 2, options.height, options.width));
      labels.push_back(static_cast<int64_t>(k));
    }
  }
  return make_dataset(std::move(images), std::move(labels), std::move(class_names));
}

ScoreMap patch_scores(Model& classifier, const Image& picture, int64_t stride, int64_t batch) {
  const Graph& graph = classifier.graph();
  check_classifier(graph);
  check_image(picture);
  const std::string entrance = picture_input(classifier);
  const Preprocessing& p = classifier.preprocessing;
  Preprocessor preprocessor(p);
  const int height = p.height - 2 * p.padding, width = p.width - 2 * p.padding;
  if (picture.height < height || picture.width < width || stride < 1 || batch < 1) {
    throw Error(ErrorKind::usage, fmt::format("patches of {}x{} with stride {} do not lie in a picture of {}x{}",
                                              height, width, stride, picture.height, picture.width));
  }
  const int64_t rows = (picture.height - height) / stride + 1, columns = (picture.width - width) / stride + 1;
  const int64_t classes = graph.node(graph.output_node()).shape[1];
  ScoreMap map{Tensor({rows, columns, classes}), stride, height, width};
  batch = std::min(batch, rows * columns);
  Session session(classifier, {.batch = batch});
  const std::span<float> input = session.input(entrance);
  const int64_t size = std::ssize(input) / batch;
  Image patch;
  for (int64_t first = 0; first < rows * columns; first += batch) {
    const int64_t count = std::min(batch, rows * columns - first);
    for (int64_t i = 0; i < count; ++i) {
      const auto top = static_cast<int>((first + i) / columns * stride);
      const auto left = static_cast<int>((first + i) % columns * stride);
      crop(picture, top, left, height, width, patch);
      preprocessor.run(patch, input.data() + i * size);
    }
    session.forward();
    std::ranges::copy(session.output().first(static_cast<size_t>(count * classes)),
                      map.scores.data() + first * classes);
  }
  return map;
}

Model fully_convolutional(const Model& classifier, int height, int width) {
  check_classifier(classifier.graph());
  if (classifier.preprocessing.padding != 0) {
    throw Error(ErrorKind::format,
                "a classifier that pads its pictures sees other pixels than a patch of a picture has");
  }
  return Converter(classifier, height, width).finish(classifier, height, width);
}

ScoreMap convolutional_scores(Model& classifier, const Image& picture) {
  check_image(picture);
  picture_input(classifier);
  Model network = fully_convolutional(classifier, picture.height, picture.width);
  const Graph& graph = network.graph();
  const Shape shape = graph.node(graph.output_node()).shape.without_batch();
  const std::string input = picture_input(network);
  const int64_t stride = graph.receptive_field(graph.output_node()).jump[0];
  Preprocessor preprocessor(network.preprocessing);
  Session session(std::move(network), {});
  preprocessor.run(picture, session.input(input).data());
  session.forward();
  return {Tensor(shape, session.output()), stride, classifier.preprocessing.height, classifier.preprocessing.width};
}

}  // namespace fovea
