#include <fmt/format.h>

#include <algorithm>

#include "fovea/error.h"
#include "fovea/test_views.h"

namespace fovea {

Tensor mean_over_views(const Tensor& probabilities, int64_t views) {
  const Shape& shape = probabilities.shape();
  if (views < 1 || shape.rank() != 2 || shape[0] % views != 0) {
    throw Error(ErrorKind::usage, fmt::format("{} are no probabilities of {} views each", to_string(shape), views));
  }
  const int64_t classes = shape[1];
  Tensor means(Shape{shape[0] / views, classes});
  for (int64_t row = 0; row < shape[0]; ++row) {
    const float* in = probabilities.data() + row * classes;
    float* out = means.data() + row / views * classes;
    for (int64_t k = 0; k < classes; ++k) out[k] += in[k] / static_cast<float>(views);
  }
  return means;
}

std::vector<Guess> predict_views(Predictor& predictor, const Image& image, const TestViews& views, int64_t top) {
  constexpr int64_t all_classes = INT64_MAX;
  std::vector<Guess> sums;
  Image view;
  for (int64_t i = 0; i < views.count(); ++i) {
    views.write(image, predictor.model().preprocessing, i, view);
    std::vector<Guess> guesses = predictor(view, all_classes);
    std::ranges::sort(guesses, {}, &Guess::class_index);
    if (sums.empty()) {
      sums = std::move(guesses);
    } else {
      for (size_t k = 0; k < sums.size(); ++k) sums[k].probability += guesses[k].probability;
    }
  }
  for (Guess& guess : sums) guess.probability /= static_cast<double>(views.count());
  std::ranges::stable_sort(sums, std::ranges::greater(), &Guess::probability);
  sums.resize(static_cast<size_t>(std::clamp<int64_t>(top, 0, std::ssize(sums))));
  return sums;
}

}  // namespace fovea
