#pragma once

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "fovea/dtype.h"

namespace fovea {

// PyTorch's names for storages of each type.
constexpr std::array<std::pair<std::string_view, DType>, 10> torch_storages = {{{"torch.DoubleStorage", DType::f64},
                                                                                {"torch.FloatStorage", DType::f32},
                                                                                {"torch.HalfStorage", DType::f16},
                                                                                {"torch.BFloat16Storage", DType::bf16},
                                                                                {"torch.LongStorage", DType::i64},
                                                                                {"torch.IntStorage", DType::i32},
                                                                                {"torch.ShortStorage", DType::i16},
                                                                                {"torch.CharStorage", DType::i8},
                                                                                {"torch.ByteStorage", DType::u8},
                                                                                {"torch.BoolStorage", DType::boolean}}};

// Empty for a type that PyTorch has no storage of.
constexpr std::string_view torch_storage(DType dtype) {
  const auto type = std::ranges::find(torch_storages, dtype, &std::pair<std::string_view, DType>::second);
  return type == torch_storages.end() ? std::string_view() : type->first;
}

}  // namespace fovea
