#include "fovea/tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "core/pages.h"
#include "fovea/error.h"

namespace fovea {

namespace {

constexpr size_t alignment = 64;  // one cache line, one AVX-512 vector

size_t padded_bytes(const Shape& shape) {
  const auto bytes = static_cast<size_t>(shape.elements()) * sizeof(float);
  return (std::max<size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
}

}  // namespace

void Tensor::Free::operator()(float* p) const noexcept {
  bytes >= smallest_mapping ? free_pages(p, bytes) : std::free(p);
}

Tensor::Memory Tensor::allocate(const Shape& shape) {
  const size_t bytes = padded_bytes(shape);
  void* const memory = bytes >= smallest_mapping ? allocate_pages(bytes) : std::aligned_alloc(alignment, bytes);
  if (memory == nullptr) {
    throw Error(ErrorKind::failure,
                fmt::format("out of memory: a tensor of shape {} needs {} MB", to_string(shape), bytes >> 20));
  }
  return Memory(static_cast<float*>(memory), Free{bytes});
}

Tensor::Tensor(const Shape& shape) : shape_(shape), data_(allocate(shape)) {
  const size_t bytes = data_.get_deleter().bytes;
  if (bytes < smallest_mapping) std::memset(data_.get(), 0, bytes);
}

Tensor::Tensor(const Shape& shape, std::span<const float> values) : shape_(shape) {
  if (values.size() != static_cast<size_t>(shape.elements())) {
    throw Error(ErrorKind::usage, fmt::format("a tensor of shape {} needs {} values, got {}", to_string(shape),
                                              shape.elements(), values.size()));
  }
  data_ = allocate(shape);
  std::copy(values.begin(), values.end(), data_.get());
}

Tensor::Tensor(const Tensor& other) : shape_(other.shape_) {
  if (other.data_) {
    data_ = allocate(shape_);
    std::copy_n(other.data(), shape_.elements(), data_.get());
  }
}

Tensor& Tensor::operator=(const Tensor& other) {
  if (this != &other) *this = Tensor(other);
  return *this;
}

std::optional<Tensor> Tensor::map(const Shape& shape, int file, size_t offset) {
  const size_t bytes = static_cast<size_t>(shape.elements()) * sizeof(float);
  if (bytes < smallest_mapping || offset % sizeof(float) != 0) return std::nullopt;
  void* const memory = map_pages(file, offset, bytes);
  if (memory == nullptr) return std::nullopt;
  Tensor tensor;
  tensor.shape_ = shape;
  tensor.data_ = Memory(static_cast<float*>(memory), Free{bytes});
  return tensor;
}

Tensor Tensor::reshaped(const Shape& shape) const { return Tensor(shape, values()); }

}  // namespace fovea
