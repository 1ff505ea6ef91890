#include "io/onnx/op_imports.h"

#include <algorithm>

namespace fovea {

namespace {

// All of them, sorted by name.
const std::vector<OpImport>& all() {
  static const std::vector<OpImport> imports = [] {
    std::vector<OpImport> list;
    for (const auto& part :
         {window_imports(), norm_imports(), dense_imports(), pointwise_imports(), arithmetic_imports(),
          reduce_imports(), shape_imports(), part_imports(), resize_imports(), quantized_imports()}) {
      list.insert(list.end(), part.begin(), part.end());
    }
    std::ranges::sort(list, {}, &OpImport::op);
    return list;
  }();
  return imports;
}

}  // namespace

const OpImport* find_op_import(std::string_view op) {
  const auto found = std::ranges::lower_bound(all(), op, {}, &OpImport::op);
  return found != all().end() && found->op == op ? &*found : nullptr;
}

std::vector<std::string_view> onnx_operators() {
  std::vector<std::string_view> names;
  for (const OpImport& import : all()) names.push_back(import.op);
  return names;
}

}  // namespace fovea
