#include "fovea/tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "fovea/error.h"

namespace fovea {

namespace {

constexpr size_t alignment = 64;  // one cache line, one AVX-512 vector

float* allocate(const Shape& shape) {
  const auto bytes = static_cast<size_t>(shape.elements()) * sizeof(float);
  const size_t padded = (std::max<size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
  auto* memory = static_cast<float*>(std::aligned_alloc(alignment, padded));
  if (memory == nullptr) {
    throw Error(ErrorKind::failure,
                fmt::format("out of memory: a tensor of shape {} needs {} MB", to_string(shape), padded >> 20));
  }
  return memory;
}

}  // namespace

void Tensor::Free::operator()(float* p) const noexcept { std::free(p); }

Tensor::Tensor(const Shape& shape) : shape_(shape), data_(allocate(shape)) {
  std::fill_n(data_.get(), shape.elements(), 0.0F);
}

Tensor::Tensor(const Shape& shape, std::span<const float> values) : shape_(shape) {
  if (values.size() != static_cast<size_t>(shape.elements())) {
    throw Error(ErrorKind::usage, fmt::format("a tensor of shape {} needs {} values, got {}", to_string(shape),
                                              shape.elements(), values.size()));
  }
  data_.reset(allocate(shape));
  std::copy(values.begin(), values.end(), data_.get());
}

Tensor::Tensor(const Tensor& other) : shape_(other.shape_) {
  if (other.data_) {
    data_.reset(allocate(shape_));
    std::copy_n(other.data(), shape_.elements(), data_.get());
  }
}

Tensor& Tensor::operator=(const Tensor& other) {
  if (this != &other) *this = Tensor(other);
  return *this;
}

Tensor Tensor::reshaped(const Shape& shape) const { return Tensor(shape, values()); }

}  // namespace fovea
