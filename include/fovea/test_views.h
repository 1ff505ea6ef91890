#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/data.h"
#include "fovea/image.h"
#include "fovea/predict.h"
#include "fovea/tensor.h"

namespace fovea {

// Test-time augmentation: a picture is shown to the network in several ways, and the probabilities are averaged
// (Krizhevsky et al. 2012, section 4.1; Simonyan & Zisserman 2015, section 3.2). Written as text, words in any order:
//   flip             each view also mirrored
//   five             the four corners and the centre
//   ten              five, also mirrored
//   dense N          N x N places, evenly over the picture
//   scales S1 S2 ... the picture's shorter side resized to each of these before views are cut out
// "scales 256 288 320, five, flip" gives 3 x 5 x 2 views. Without scales the shorter side is the preprocessing's, or,
// if it has none, the whole picture is taken, for several places 8/7 of the network's larger side.
class TestViews {
 public:
  TestViews() = default;  // the one view that the preprocessing gives
  // Throws Error(usage) naming the word that makes no sense.
  explicit TestViews(std::string_view text);

  int64_t count() const;
  // View 0 .. count() - 1 of a picture, in the size that the preprocessing takes as it is.
  // Throws Error(usage) when a scale is smaller than what is to be cut out.
  void write(const Image& image, const Preprocessing& preprocessing, int64_t view, Image& out) const;

 private:
  std::vector<int> scales_;  // empty: the preprocessing's
  bool flips_ = false;
  bool corners_ = false;  // and the centre
  int64_t dense_ = 0;     // places along each side; 0: the centre alone, or the corners too
};

// count() items for each of the data set's, one view after the other.
std::shared_ptr<const Dataset> views_of(std::shared_ptr<const Dataset> dataset, TestViews views,
                                        const Preprocessing& preprocessing);

// The mean over each `views` rows of {N views, K}: {N, K}.
Tensor mean_over_views(const Tensor& probabilities, int64_t views);

// What `predictor` says of a picture on average over the views, as it says it of one.
std::vector<Guess> predict_views(Predictor& predictor, const Image& image, const TestViews& views, int64_t top = 5);

}  // namespace fovea
