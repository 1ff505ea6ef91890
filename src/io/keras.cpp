#include "io/keras.h"

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace fovea {

namespace {

struct Name {
  std::string layer, variable;
};

// "model_weights/conv1/conv1/kernel:0": the variable last, the layer's name before it, perhaps twice.
Name parse(std::string_view path) {
  const size_t last = path.rfind('/');
  if (last == std::string_view::npos) return {};
  const std::string_view variable = path.substr(last + 1, path.rfind(':') - last - 1);
  const std::string_view groups = path.substr(0, last);
  const size_t before = groups.rfind('/');
  return {std::string(groups.substr(before == std::string_view::npos ? 0 : before + 1)), std::string(variable)};
}

// The axes of a tensor in another order; `strides` may merge axes.
StoredTensor view(const StoredTensor& tensor, const std::vector<int64_t>& extents, std::vector<int64_t> strides) {
  StoredTensor result = tensor;
  result.shape = Shape(extents);
  result.strides = std::move(strides);
  if (result.shape.elements() == 0) result.strides.clear();
  return result;
}

// {..., C, F} with the last two axes in front: {F, C, ...}.
StoredTensor filters_first(const StoredTensor& kernel) {
  const int rank = kernel.shape.rank();
  std::vector<int64_t> extents = {kernel.shape[rank - 1], kernel.shape[rank - 2]};
  std::vector<int64_t> strides = {1, kernel.shape[rank - 1]};
  std::vector<int64_t> spatial(static_cast<size_t>(rank), 1);
  for (int axis = rank - 2; axis >= 0; --axis) {
    spatial[static_cast<size_t>(axis)] = spatial[static_cast<size_t>(axis) + 1] * kernel.shape[axis + 1];
  }
  for (int axis = 0; axis + 2 < rank; ++axis) {
    extents.push_back(kernel.shape[axis]);
    strides.push_back(spatial[static_cast<size_t>(axis)]);
  }
  return view(kernel, extents, std::move(strides));
}

// {H, W, C, M} as {C M, 1, H, W}.
StoredTensor depthwise(const StoredTensor& kernel) {
  const int64_t width = kernel.shape[1];
  const int64_t filters = kernel.shape[2] * kernel.shape[3];
  return view(kernel, {filters, 1, kernel.shape[0], width}, {1, 1, width * filters, filters});
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> lists = {{{"bias", "bias"},
                                                                                 {"gamma", "weight"},
                                                                                 {"beta", "bias"},
                                                                                 {"moving_mean", "running_mean"},
                                                                                 {"moving_variance", "running_var"}}};

}  // namespace

std::vector<StoredTensor> keras_weights(const std::vector<StoredTensor>& tensors) {
  std::set<std::string> separable;
  for (const StoredTensor& tensor : tensors) {
    if (const Name name = parse(tensor.name); name.variable == "pointwise_kernel") separable.insert(name.layer);
  }
  std::vector<StoredTensor> weights;
  const auto add = [&](StoredTensor tensor, const std::string& name) {
    tensor.name = name;
    weights.push_back(std::move(tensor));
  };
  for (const StoredTensor& tensor : tensors) {
    if (tensor.name.starts_with("optimizer_weights/")) continue;
    const auto [layer, variable] = parse(tensor.name);
    const bool parted = separable.contains(layer);
    if (variable == "kernel" && tensor.shape.rank() >= 2) add(filters_first(tensor), layer + ".weight");
    if (variable == "pointwise_kernel" && tensor.shape.rank() >= 3) {
      add(filters_first(tensor), layer + ".pointwise.weight");
    }
    if (variable == "depthwise_kernel" && tensor.shape.rank() == 4) {
      add(depthwise(tensor), layer + (parted ? ".depthwise.weight" : ".weight"));
    }
    for (const auto& [keras, torch] : lists) {
      if (variable == keras) add(tensor, layer + (parted ? ".pointwise." : ".") + std::string(torch));
    }
  }
  return weights;
}

}  // namespace fovea
