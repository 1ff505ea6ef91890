#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/explain.h"
#include "fovea/image.h"
#include "fovea/predict.h"
#include "fovea/preprocessing.h"

// Explanations of pictures for people to look at: every method of explain.h by its name, drawn, and a page that shows
// them side by side.
namespace fovea::explain {

struct MethodOptions {
  std::string layer{};  // of class activation maps; empty: last_feature_map
  OcclusionOptions occlusion{};
  SmoothGradOptions smooth_grad{};
};

struct Explanation {
  Tensor raw;          // what the method gives: {H, W, C}, {h, w} or {rows, columns}
  Tensor map;          // the same as one number for each pixel of the input, {H, W}
  Image picture;       // map in colours: magma or viridis where it has no sign, else red_blue; or, of methods that give
                       // a picture (guided_backprop, deconvnet, guided_grad_cam), raw around grey
  std::string note{};  // what to know about this result, one line; may be empty
};

struct Method {
  std::string_view name;     // "grad-cam"
  std::string_view title;    // "Grad-CAM"
  std::string_view meaning;  // one line
  std::function<Explanation(Probe&, const Tensor& x, const Score&, const MethodOptions&)> explain;
};

// All of them: gradient, gradient-x-input, smooth-grad, integrated-gradients, lrp, guided-backprop, deconvnet,
// grad-cam, grad-cam++, guided-grad-cam, score-cam, occlusion. For networks whose input is a picture, {1, H, W, C};
// each throws Error(usage) for others, and for what it cannot be applied to.
const std::vector<Method>& methods();
// Throws Error(usage) suggesting the nearest name.
const Method& find_method(std::string_view name);

// What the network was shown: an input {1, H, W, 1 or 3} with the normalisation undone.
Image input_picture(const Tensor& x, const Preprocessing& preprocessing);

// {H, W, C} values as a picture: grey where they are zero, each of 1 or 3 channels brighter above and darker below; of
// other numbers of channels the sum in red_blue. Throws Error(usage) for another shape.
Image relief(const Tensor& raw);

// A value that all but this fraction of the magnitudes lie under. Gradients have a few huge values: colours that reach
// to the greatest leave the rest dark.
float magnitude_quantile(const Tensor& values, double fraction);

struct PageMap {
  std::string title;    // of the method
  std::string caption;  // its meaning, and the note
  Image picture;
};
struct PageTarget {
  std::string title;  // the class
  std::vector<PageMap> maps;
};
struct PagePicture {
  std::string title;
  Image picture;  // what the network was shown
  std::vector<Guess> guesses;
  std::vector<PageTarget> targets;
};
// One HTML file that holds everything it shows: pictures, guesses and maps laid over the picture, with sliders for how
// much the maps cover and how large they are. It asks nothing of any network, and forbids itself to.
// Throws Error(data) when it cannot be written.
void write_page(const std::filesystem::path& path, const std::string& title, const std::vector<PagePicture>& pictures);

}  // namespace fovea::explain
