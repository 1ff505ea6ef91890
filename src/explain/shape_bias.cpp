#include "fovea/shape_bias.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>

#include "core/text.h"
#include "fovea/error.h"
#include "fovea/predict.h"

namespace fovea {

namespace {

// The category whose name stands at the front of `text`, with a number behind it; both are taken off.
std::optional<size_t> take_category(std::string_view& text, std::span<const Category> categories) {
  const size_t letters = std::min(text.find_first_of("0123456789"), text.size());
  const std::string_view name = text.substr(0, letters);
  const auto found = std::ranges::find(categories, name, &Category::name);
  if (found == categories.end()) return std::nullopt;
  text.remove_prefix(std::min(text.find_first_not_of("0123456789", letters), text.size()));
  return static_cast<size_t>(found - categories.begin());
}

CueConflict parse(const std::filesystem::path& file, std::span<const Category> categories) {
  const std::string stem = file.stem().string();
  std::string_view rest = stem;
  const std::optional<size_t> shape = take_category(rest, categories);
  if (shape && rest.starts_with('-')) {
    rest.remove_prefix(1);
    const std::optional<size_t> texture = take_category(rest, categories);
    if (texture && rest.empty()) return {file, *shape, *texture};
  }
  throw Error(
      ErrorKind::data,
      fmt::format("{}: pictures are named SHAPE-TEXTURE.png after two of the categories, such as cat7-elephant1",
                  printable(file)));
}

size_t decide(const std::vector<double>& probabilities, std::span<const Category> categories) {
  const auto mean = [&](const Category& category) {
    double sum = 0;
    for (const int64_t k : category.classes) sum += probabilities[static_cast<size_t>(k)];
    return sum / static_cast<double>(category.classes.size());
  };
  return static_cast<size_t>(std::ranges::max_element(categories, {}, mean) - categories.begin());
}

// {first, ..., last} without some.
std::vector<int64_t> range(int64_t first, int64_t last, std::initializer_list<int64_t> without = {}) {
  std::vector<int64_t> list;
  for (int64_t k = first; k <= last; ++k) {
    if (std::ranges::find(without, k) == without.end()) list.push_back(k);
  }
  return list;
}

std::vector<int64_t> joined(std::initializer_list<std::vector<int64_t>> lists) {
  std::vector<int64_t> all;
  for (const auto& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

}  // namespace

const std::vector<Category>& imagenet_categories() {
  static const std::vector<Category> categories = {
      {"airplane", {404}},
      {"bear", range(294, 297)},
      {"bicycle", {444, 671}},
      {"bird", joined({{8}, range(10, 24, {17, 21}), range(80, 83), range(87, 100, {97}), range(127, 145, {134})})},
      {"boat", {472, 554, 625, 814, 914}},
      {"bottle", {440, 720, 737, 898, 899, 901, 907}},
      {"car", {436, 511, 817}},
      {"cat", range(281, 286)},
      {"chair", {423, 559, 765, 857}},
      {"clock", {409, 530, 892}},
      {"dog", range(152, 268, {192, 204, 227, 242, 251, 258, 260, 264})},
      {"elephant", {385, 386}},
      {"keyboard", {508, 878}},
      {"knife", {499}},
      {"oven", {766}},
      {"truck", {555, 569, 656, 675, 717, 734, 864, 867}}};
  return categories;
}

std::vector<CueConflict> find_cue_conflicts(const std::filesystem::path& folder, std::span<const Category> categories) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string extension = entry->path().extension().string();
    const bool picture = extension == ".png" || extension == ".jpg" || extension == ".jpeg";
    if (picture && !entry->path().filename().string().starts_with('.')) files.push_back(entry->path());
  }
  if (error) throw Error(ErrorKind::data, fmt::format("{}: cannot list: {}", printable(folder), error.message()));
  std::ranges::sort(files);
  std::vector<CueConflict> pictures;
  for (const std::filesystem::path& file : files) {
    const CueConflict picture = parse(file, categories);
    if (picture.shape != picture.texture) pictures.push_back(picture);
  }
  if (pictures.empty()) {
    throw Error(ErrorKind::data, fmt::format("{}: no pictures whose shape and texture differ", printable(folder)));
  }
  return pictures;
}

ShapeBias measure_shape_bias(Model model, std::span<const CueConflict> pictures, std::span<const Category> categories) {
  Predictor predictor(std::move(model));
  const Graph& graph = predictor.model().graph();
  const int64_t classes = graph.node(graph.output_node()).shape.back();
  for (const Category& category : categories) {
    const auto fits = [&](int64_t k) { return k >= 0 && k < classes; };
    if (category.classes.empty() || !std::ranges::all_of(category.classes, fits)) {
      throw Error(ErrorKind::usage, fmt::format("category '{}' has no class, or one that is not among the network's {}",
                                                category.name, classes));
    }
  }
  ShapeBias result;
  result.categories.resize(categories.size());
  for (const CueConflict& picture : pictures) {
    if (picture.shape >= categories.size() || picture.texture >= categories.size()) {
      throw Error(ErrorKind::usage,
                  fmt::format("{}: there are {} categories", printable(picture.file), categories.size()));
    }
    std::vector<double> probabilities(static_cast<size_t>(classes));
    for (const Guess& guess : predictor(read_image(picture.file), classes)) {
      probabilities[static_cast<size_t>(guess.class_index)] = guess.probability;
    }
    const size_t decision = decide(probabilities, categories);
    const bool by_shape = decision == picture.shape, by_texture = decision == picture.texture;
    result.shape += static_cast<int64_t>(by_shape);
    result.texture += static_cast<int64_t>(by_texture);
    result.neither += static_cast<int64_t>(!by_shape && !by_texture);
    result.categories[picture.shape].shape += static_cast<int64_t>(by_shape);
    result.categories[picture.shape].texture += static_cast<int64_t>(by_texture);
  }
  const int64_t decided = result.shape + result.texture;
  result.bias = decided == 0 ? std::numeric_limits<double>::quiet_NaN()
                             : static_cast<double>(result.shape) / static_cast<double>(decided);
  return result;
}

}  // namespace fovea
