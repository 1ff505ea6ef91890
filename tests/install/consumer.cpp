#include <fovea/parallel.h>
#include <fovea/tensor.h>

// Uses something from the library's compiled part, so that a missing symbol or dependency fails the link.
int main() {
  fovea::Tensor x(fovea::Shape{2, 3});
  fovea::parallel_for(x.size(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) x[i] = static_cast<float>(i);
  });
  return fovea::to_string(x.shape()) == "2x3" && x[5] == 5.0F ? 0 : 1;
}
