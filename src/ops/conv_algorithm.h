#pragma once

#include "kernels/cpu/conv.h"
#include "kernels/cpu/depthwise.h"
#include "kernels/cpu/direct_conv.h"
#include "kernels/cpu/winograd.h"
#include "ops/spatial.h"

// What convolution and transposed convolution, which is its gradient, share.
namespace fovea {

// The convolution of x with windows that slide as `axes` say.
inline ConvShape make_conv_shape(const Shape& x, const SlidingAxes& axes, int64_t filters, int64_t groups) {
  const auto& [planes, rows, columns] = axes;
  return {.batch = x[0],
          .depth = planes.input,
          .height = rows.input,
          .width = columns.input,
          .channels = x.back(),
          .filters = filters,
          .kernel_depth = planes.kernel,
          .kernel_height = rows.kernel,
          .kernel_width = columns.kernel,
          .stride_depth = planes.stride,
          .stride_height = rows.stride,
          .stride_width = columns.stride,
          .dilation_depth = planes.dilation,
          .dilation_height = rows.dilation,
          .dilation_width = columns.dilation,
          .front = planes.before,
          .back = planes.after,
          .top = rows.before,
          .bottom = rows.after,
          .left = columns.before,
          .right = columns.after,
          .groups = groups,
          .out_depth = planes.output,
          .out_height = rows.output,
          .out_width = columns.output};
}

// Returns f.operator()<Algorithm>() for the fastest algorithm that does such convolutions.
template <class F>
auto with_conv_algorithm(const ConvShape& s, bool has_residual, const F& f) {
  if (cpu::Depthwise::suits(s)) return f.template operator()<cpu::Depthwise>();
  if (cpu::DirectConv::suits(s) && !has_residual) return f.template operator()<cpu::DirectConv>();
  if (cpu::Winograd::suits(s)) return f.template operator()<cpu::Winograd>();
  return f.template operator()<cpu::Conv>();
}

}  // namespace fovea
