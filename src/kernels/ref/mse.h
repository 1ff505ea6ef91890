#pragma once

#include <cstdint>

namespace fovea::ref {

// loss = mean of (a - b)^2
template <class T>
void mse_forward(int64_t count, const T* a, const T* b, T* loss) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += double(a[i] - b[i]) * double(a[i] - b[i]);
  *loss = T(sum / static_cast<double>(count));
}

// da = 2 (a - b) dloss / count; the gradient of b by exchanging the two.
template <class T>
void mse_backward(int64_t count, const T* a, const T* b, const T* dloss, T* da) {
  for (int64_t i = 0; i < count; ++i) da[i] = T(2) * (a[i] - b[i]) * *dloss / T(count);
}

}  // namespace fovea::ref
