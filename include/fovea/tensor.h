#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "fovea/shape.h"

namespace fovea {

// Contiguous float32 array, owned by value: copying copies the elements. New tensors are zero and 64-byte aligned;
// large ones take room only once they are written to.
class Tensor {
 public:
  Tensor() = default;
  // Throws Error(failure) when the memory cannot be had.
  explicit Tensor(const Shape& shape);
  // Throws Error(usage) unless values.size() == shape.elements().
  Tensor(const Shape& shape, std::span<const float> values);
  Tensor(const Tensor& other);
  Tensor& operator=(const Tensor& other);
  Tensor(Tensor&& other) noexcept = default;
  Tensor& operator=(Tensor&& other) noexcept = default;
  ~Tensor() = default;

  const Shape& shape() const { return shape_; }
  int64_t size() const { return data_ ? shape_.elements() : 0; }
  bool empty() const { return size() == 0; }

  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  std::span<float> values() { return {data_.get(), static_cast<size_t>(size())}; }
  std::span<const float> values() const { return {data_.get(), static_cast<size_t>(size())}; }
  float& operator[](int64_t i) { return data_[static_cast<size_t>(i)]; }
  float operator[](int64_t i) const { return data_[static_cast<size_t>(i)]; }

  // The elements at `offset` bytes into an open file of the operating system, little-endian, of which at least
  // shape.elements() are there. They are read as they are used and become this tensor's own as they are written to: the
  // file stays as it is. Aligned as they are in the file. None for a small tensor, which is quicker copied, for an
  // offset that is no multiple of 4, and where the system cannot map the file.
  static std::optional<Tensor> map(const Shape& shape, int file, size_t offset);

  // The same elements under another shape. Throws Error(usage) when the counts differ.
  Tensor reshaped(const Shape& shape) const;

 private:
  struct Free {
    size_t bytes;
    void operator()(float* p) const noexcept;
  };
  using Memory = std::unique_ptr<float[], Free>;
  static Memory allocate(const Shape& shape);

  Shape shape_;
  Memory data_;
};

// 64-byte aligned, zeroed floats for buffers whose shape is kept elsewhere.
inline Tensor make_buffer(size_t floats) { return Tensor(Shape{static_cast<int64_t>(floats)}); }

}  // namespace fovea
