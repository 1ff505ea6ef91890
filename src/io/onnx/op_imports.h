#pragma once

#include <span>

#include "io/onnx/graph_import.h"

namespace fovea {

// The operators, by what they are about; each list is one file.
std::span<const OpImport> window_imports();      // convolutions, pooling
std::span<const OpImport> norm_imports();        // normalisations, dropout, softmax
std::span<const OpImport> dense_imports();       // matrix products
std::span<const OpImport> pointwise_imports();   // functions of one value
std::span<const OpImport> arithmetic_imports();  // functions of several values, with broadcasting
std::span<const OpImport> reduce_imports();      // over axes
std::span<const OpImport> shape_imports();       // other extents or order for the same elements
std::span<const OpImport> part_imports();        // parts of values, and values put together
std::span<const OpImport> resize_imports();      // pictures of another size
std::span<const OpImport> quantized_imports();   // small whole numbers

}  // namespace fovea
