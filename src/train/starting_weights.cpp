#include "fovea/starting_weights.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/suggest.h"
#include "fovea/error.h"
#include "fovea/parallel.h"

namespace fovea {

namespace {

using Matrix = Eigen::MatrixXd;

bool is_convolution(const Node& node) { return node.op && node.op->type() == "conv"; }

// {F, C, h, w}
Tensor& weight_of(Model& model, const Node& node) {
  return model.parameters()[static_cast<size_t>(node.parameters.front())];
}

// The convolution of that name, if its windows are patches of the pictures.
const Node& patch_reader(Model& model, std::string_view name) {
  const Graph& graph = model.graph();
  std::vector<std::string> names;
  for (const Node& node : graph.nodes()) {
    if (!is_convolution(node)) continue;
    if (node.name != name) {
      names.push_back(node.name);
      continue;
    }
    const Shape& weight = weight_of(model, node).shape();
    const Node& source = graph.node(node.inputs.front());
    const auto refuse = [&](const std::string& why) {
      throw Error(ErrorKind::usage, fmt::format("whitening: '{}' {}", name, why));
    };
    if (source.op || source.shape.rank() != 4) refuse("does not read the network's pictures");
    if (weight[1] != source.shape.back()) refuse("is a convolution in groups");
    if (weight[0] < weight.elements() / weight[0]) {
      refuse(fmt::format("has {} filters; patches of {}x{}x{} have {} directions", weight[0], weight[2], weight[3],
                         weight[1], weight.elements() / weight[0]));
    }
    return node;
  }
  throw Error(ErrorKind::usage, fmt::format("whitening: the network has no convolution '{}'{}", name,
                                            did_you_mean(std::string(name), names)));
}

// Adds p p' of all patches p of a picture {H, W, C}, their elements in the order of a filter {C, h, w}.
void add_moments(const Tensor& picture, const Shape& filter, Matrix& moments) {
  const int64_t width = picture.shape()[2], channels = picture.shape()[3];
  const int64_t rows = filter[2], columns = filter[3];
  const int64_t across = width - columns + 1;
  Matrix patches(channels * rows * columns, std::max<int64_t>(across, 0));
  for (int64_t top = 0; top + rows <= picture.shape()[1]; ++top) {
    for (int64_t left = 0; left < across; ++left) {
      int64_t element = 0;
      for (int64_t c = 0; c < channels; ++c) {
        for (int64_t y = top; y < top + rows; ++y) {
          for (int64_t x = left; x < left + columns; ++x) {
            patches(element++, left) = static_cast<double>(picture[(y * width + x) * channels + c]);
          }
        }
      }
    }
    moments.noalias() += patches * patches.transpose();
  }
}

// The mean of p p' over all patches. Sums are taken in blocks of pictures, the same for any number of threads.
Matrix patch_moments(const Dataset& dataset, const Preprocessing& preprocessing, const Shape& filter,
                     int64_t pictures) {
  const int64_t elements = filter.elements() / filter[0];
  const int64_t patches = (preprocessing.height - filter[2] + 1) * (preprocessing.width - filter[3] + 1);
  constexpr int64_t block = 64;
  std::vector<Matrix> sums(static_cast<size_t>((pictures + block - 1) / block), Matrix::Zero(elements, elements));
  parallel_for(std::ssize(sums), 1, [&](int64_t begin, int64_t end) {
    Preprocessor preprocessor(preprocessing);
    Tensor picture({1, preprocessing.height, preprocessing.width, preprocessing.channels});
    Image image;
    for (int64_t i = begin * block; i < std::min(end * block, pictures); ++i) {
      dataset.read(i * dataset.size() / pictures, image);
      preprocessor.run(image, picture.data());
      add_moments(picture, filter, sums[static_cast<size_t>(i / block)]);
    }
  });
  Matrix total = Matrix::Zero(elements, elements);
  for (const Matrix& sum : sums) total += sum;
  return total / static_cast<double>(pictures * patches);
}

}  // namespace

void pass_channels_on(Model& model) {
  const Graph& graph = model.graph();
  for (const Node& node : graph.nodes()) {
    if (!is_convolution(node)) continue;
    Tensor& weight = weight_of(model, node);
    const Shape& shape = weight.shape();
    const bool fits = shape.rank() == 4 && shape[1] == graph.node(node.inputs.front()).shape.back() &&
                      shape[2] % 2 == 1 && shape[3] % 2 == 1;
    if (!fits) continue;
    const int64_t taps = shape[2] * shape[3];
    for (int64_t filter = 0; filter < std::min(shape[0], shape[1]); ++filter) {
      float* const values = weight.data() + filter * shape[1] * taps;
      std::fill_n(values, shape[1] * taps, 0.0F);
      values[filter * taps + taps / 2] = 1;
    }
  }
}

void whiten(Model& model, std::string_view convolution, const Dataset& dataset, const WhitenOptions& options) {
  if (options.pictures < 1 || !(options.epsilon > 0) || dataset.size() < 1) {
    throw Error(ErrorKind::usage, "whitening: it takes at least one picture, and an epsilon above 0");
  }
  const Node& node = patch_reader(model, convolution);
  Tensor& weight = weight_of(model, node);
  const Shape& shape = weight.shape();
  const int64_t elements = shape.elements() / shape[0];
  const int64_t pictures = std::min(options.pictures, dataset.size());
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(patch_moments(dataset, model.preprocessing, shape, pictures));
  for (int64_t filter = 0; filter < std::min(2 * elements, shape[0]); ++filter) {
    const int64_t k = filter % elements;
    const double sign = filter < elements ? 1 : -1;
    const double scale = sign / std::sqrt(std::max(0.0, solver.eigenvalues()(k)) + options.epsilon);
    for (int64_t i = 0; i < elements; ++i) {
      weight[filter * elements + i] = static_cast<float>(scale * solver.eigenvectors()(i, k));
    }
  }
  for (size_t i = 1; i < node.parameters.size(); ++i) {
    std::ranges::fill(model.parameters()[static_cast<size_t>(node.parameters[i])].values(), 0.0F);
  }
}

}  // namespace fovea
