#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/model.h"

// Does a network go by shape or by texture? Pictures with the shape of one thing and the texture of another (cue
// conflict, Geirhos et al. 2019).
namespace fovea {

// A category and the classes of a network that belong to it.
struct Category {
  std::string name;
  std::vector<int64_t> classes;
};

// The 16 categories of Geirhos et al. 2019 (airplane ... truck) over ImageNet's 1,000 classes: 207 of these.
const std::vector<Category>& imagenet_categories();

struct CueConflict {
  std::filesystem::path file;
  size_t shape = 0, texture = 0;  // categories
};

// The pictures of a folder, and of the folders in it, that are named as the public set's: SHAPE-TEXTURE.png with a
// number behind each, such as cat/cat7-elephant1.png; in byte order. Those whose shape and texture are one category are
// left out. Throws Error(data) when there are none, or a name has another form or an unknown category.
std::vector<CueConflict> find_cue_conflicts(const std::filesystem::path& folder, std::span<const Category> categories);

struct ShapeBias {
  int64_t shape = 0, texture = 0, neither = 0;  // decisions
  double bias = 0;                              // shape / (shape + texture); NaN when there are none
  struct Row {
    int64_t shape = 0, texture = 0;
  };
  std::vector<Row> categories;  // pictures with the category's shape: decisions for it, and for the texture
};

// The category with the greatest mean probability decides, as in the paper. Throws Error(usage) when a category has no
// class or one that the network does not have; otherwise as Predictor and read_image do.
ShapeBias measure_shape_bias(Model model, std::span<const CueConflict> pictures, std::span<const Category> categories);

}  // namespace fovea
