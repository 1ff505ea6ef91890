// Pictures of another size.
#include <array>
#include <cmath>

#include "io/onnx/array.h"
#include "io/onnx/op_imports.h"
#include "ops/checks.h"

namespace fovea {

namespace {

// {N, C b b, H, W} -> {N, C, H b, W b} and back.
void import_blocks(NodeImport& node) {
  Operand& x = node.input(0);
  require(x.rank() == 4, "{{N, C, H, W}} is expected, got {}", to_string(Shape(x.dims)));
  const bool to_space = node.op() == "DepthToSpace";
  const bool depth_first = !to_space || node.text("mode", "DCR") == "DCR";
  const Value y = node.add(to_space ? "depth_to_space" : "space_to_depth",
                           {{"block", node.integer("blocksize")}, {"depth_first", depth_first}},
                           {node.network().in_order(x, channels_last_order(4))});
  const Shape& s = y.shape();
  node.output(0, {s[0], s[3], s[1], s[2]}, channels_last_order(4), y);
}

// What becomes of the extents: sizes or scales of all axes, of which the first two must stay.
struct Target {
  std::vector<int64_t> sizes;
  std::vector<double> scales;
};

Target read_target(NodeImport& node) {
  const bool upsample = node.op() == "Upsample";
  if (upsample && node.opset() < 9) return {{}, node.numbers("scales")};
  if (upsample || node.opset() < 11) return {{}, numbers(node.constant(1, "scales"))};
  Target target;
  if (node.has_input(3)) target.sizes = integers(node.constant(3, "sizes"));
  if (node.has_input(2) && target.sizes.empty()) target.scales = numbers(node.constant(2, "scales"));
  return target;
}

std::string coordinates(const NodeImport& node, bool nearest) {
  if (node.op() == "Upsample" || node.opset() < 11) return "asymmetric";
  std::string mode = node.text("coordinate_transformation_mode", "half_pixel");
  if (mode == "tf_half_pixel_for_nn" && nearest) return "half_pixel";
  require(mode == "half_pixel" || mode == "pytorch_half_pixel" || mode == "align_corners" || mode == "asymmetric",
          "coordinates '{}' are not supported", mode);
  return mode;
}

std::string rounding(const NodeImport& node) {
  if (node.op() == "Upsample" || node.opset() < 11) return "floor";
  std::string mode = node.text("nearest_mode", "round_prefer_floor");
  if (node.text("coordinate_transformation_mode", "") != "tf_half_pixel_for_nn") return mode;
  // Its places are half a pixel further than half_pixel's: rounding half down there is rounding up here.
  require(mode == "round_prefer_floor" || mode == "floor", "tf_half_pixel_for_nn with '{}' is not supported", mode);
  return mode == "floor" ? "round_prefer_ceil" : "ceil";
}

void import_resize(NodeImport& node) {
  Operand& x = node.input(0);
  require(x.rank() >= 3 && x.rank() <= 5, "{{N, C, ...}} with 1 to 3 spatial axes is expected, got {}",
          to_string(Shape(x.dims)));
  require(node.integer("exclude_outside", 0) == 0 && node.integer("antialias", 0) == 0 && !node.has("axes") &&
              node.text("keep_aspect_ratio_policy", "stretch") == "stretch",
          "exclude_outside, antialias, axes and keep_aspect_ratio_policy are not supported");
  std::string mode = node.text("mode", "nearest");
  if (mode == "bilinear" || mode == "trilinear") mode = "linear";
  Target target = read_target(node);
  const auto rank = static_cast<size_t>(x.rank());
  const bool still = target.sizes.size() == rank
                         ? target.sizes[0] == x.dims[0] && target.sizes[1] == x.dims[1]
                         : target.scales.size() == rank && target.scales[0] == 1 && target.scales[1] == 1;
  require(still, "sizes or scales of {} axes, of which the first two stay, are expected", rank);
  if (!target.sizes.empty()) target.sizes.erase(target.sizes.begin(), target.sizes.begin() + 2);
  if (!target.scales.empty()) target.scales.erase(target.scales.begin(), target.scales.begin() + 2);
  const std::string places = coordinates(node, mode == "nearest");
  for (size_t i = 0; i < target.scales.size(); ++i) {
    const double extent = static_cast<double>(x.dims[i + 2]) * target.scales[i];
    require(places != "align_corners" || std::fabs(extent - std::nearbyint(extent)) < 1e-3,
            "align_corners with a scale that makes {} positions is not supported", extent);
  }
  const Order order = channels_last_order(x.rank());
  const Value y = node.add("resize",
                           {{"size", target.sizes},
                            {"scale", target.scales},
                            {"method", mode},
                            {"coordinates", places},
                            {"rounding", rounding(node)},
                            {"cubic_coefficient", node.number("cubic_coeff_a", -0.75)}},
                           {node.network().in_order(x, order)});
  std::vector<int64_t> dims = x.dims;
  for (int axis = 2; axis < x.rank(); ++axis) dims[static_cast<size_t>(axis)] = y.shape()[axis - 1];
  node.output(0, dims, order, y);
}

void import_grid_sample(NodeImport& node) {
  Operand& x = node.input(0);
  Operand& grid = node.input(1);
  require(x.rank() == 4 && grid.rank() == 4,
          "a picture {{N, C, H, W}} and a grid {{N, H', W', 2}} are expected, got {} and {}", to_string(Shape(x.dims)),
          to_string(Shape(grid.dims)));
  std::string method = node.text("mode", "bilinear");
  if (method == "bilinear") method = "linear";
  if (method == "bicubic") method = "cubic";
  const Order order = channels_last_order(4);
  const Value y = node.add("grid_sample",
                           {{"method", method},
                            {"padding", node.text("padding_mode", "zeros")},
                            {"align_corners", node.integer("align_corners", 0) != 0}},
                           {node.network().in_order(x, order), node.network().plain(grid)});
  node.output(0, {x.dims[0], x.dims[1], grid.dims[1], grid.dims[2]}, order, y);
}

constexpr std::array imports = {
    OpImport{"DepthToSpace", import_blocks, Layout::spatial},
    OpImport{"GridSample", import_grid_sample, Layout::spatial},
    OpImport{"Resize", import_resize, Layout::spatial, 0b1110},
    OpImport{"SpaceToDepth", import_blocks, Layout::spatial},
    OpImport{"Upsample", import_resize, Layout::spatial, 0b10},
};

}  // namespace

std::span<const OpImport> resize_imports() { return imports; }

}  // namespace fovea
