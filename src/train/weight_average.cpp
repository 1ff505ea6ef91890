#include "train/weight_average.h"

#include <algorithm>

#include "fovea/parallel.h"

namespace fovea {

void WeightAverage::update(const Model& model, int64_t number) {
  const auto t = static_cast<double>(number);
  const auto share = static_cast<float>(1 - std::min(decay_, (1 + t) / (10 + t)));
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    const float* const x = model.parameters()[i].data();
    float* const average = average_.parameters()[i].data();
    parallel_for(model.parameters()[i].size(), 1 << 14, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) average[k] += share * (x[k] - average[k]);
    });
  }
}

}  // namespace fovea
