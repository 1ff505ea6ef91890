#include "kernels/cpu/axis_taps.h"

#include <algorithm>
#include <array>

#include "fovea/parallel.h"
#include "fovea/shape.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/axis_taps.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One row of the output, gathered from those rows of x that its outer axes tap.
class TappedRow {
 public:
  TappedRow(const TapPlan& plan, float fill, const float* x) : plan_(plan), fill_(fill), x_(x) {}

  void Write(int64_t index, float* y) {
    for (size_t axis = plan_.outer().size(); axis-- > 0;) {
      position_[axis] = index % plan_.outer()[axis].to;
      index /= plan_.outer()[axis].to;
    }
    y_ = y;
    empty_ = true;
    if (!plan_.whole_rows()) Fill(plan_.copies() ? fill_ : 0.0F);
    Visit(0, 0, 1.0F);
    if (empty_) Fill(fill_);
  }

 private:
  void Fill(float value) { std::fill(y_, y_ + plan_.length(), value); }

  void Visit(size_t axis, int64_t offset, float weight) {
    if (axis == plan_.outer().size()) {
      AddRuns(x_ + offset, weight);
      empty_ = false;
      return;
    }
    const TapPlan::Axis& taps = plan_.outer()[axis];
    const auto row = static_cast<size_t>(position_[axis]);
    for (auto i = static_cast<size_t>(taps.first[row]); i < static_cast<size_t>(taps.first[row + 1]); ++i) {
      Visit(axis + 1, offset + taps.offsets[i], weight * taps.weights[i]);
    }
  }

  void AddRuns(const float* x, float weight) const {
    const bool store = plan_.copies() || (empty_ && plan_.whole_rows());
    for (const TapPlan::Run& run : plan_.inner()) {
      const float scale = weight * run.weight;
      const float* const from = x + run.from;
      float* const to = y_ + run.to;
      if (run.length == 1) {
        *to = store ? scale * *from : *to + scale * *from;
      } else if (store && scale == 1.0F) {
        std::copy_n(from, run.length, to);
      } else if (store) {
        for_each_channel(run.length, [=](auto d, int64_t i) {
          hn::StoreU(hn::Mul(hn::Set(d, scale), hn::LoadU(d, from + i)), d, to + i);
        });
      } else {
        for_each_channel(run.length, [=](auto d, int64_t i) {
          hn::StoreU(hn::MulAdd(hn::Set(d, scale), hn::LoadU(d, from + i), hn::LoadU(d, to + i)), d, to + i);
        });
      }
    }
  }

  const TapPlan& plan_;
  float fill_;
  const float* x_;
  float* y_ = nullptr;
  bool empty_ = true;
  std::array<int64_t, Shape::max_rank> position_{};
};

void TappedRows(const TapPlan& plan, float fill, int64_t begin, int64_t end, const float* x, float* y) {
  TappedRow row(plan, fill, x);
  for (int64_t i = begin; i < end; ++i) row.Write(i, y + i * plan.length());
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(TappedRows);

namespace {

bool is_identity(const AxisTaps& axis) {
  if (axis.from != axis.to()) return false;
  for (int64_t i = 0; i < axis.from; ++i) {
    if (axis.rows[static_cast<size_t>(i)] != std::vector<Tap>{{i, 1}}) return false;
  }
  return true;
}

// Axes with neighbouring identities merged, and those of extent 1 dropped; at least one.
std::vector<AxisTaps> merged(std::span<const AxisTaps> axes) {
  std::vector<AxisTaps> result;
  bool last_is_identity = false;
  for (const AxisTaps& axis : axes) {
    const bool identity = is_identity(axis);
    if (identity && axis.from == 1) continue;
    if (identity && last_is_identity) {
      result.back() = AxisTaps::identity(result.back().from * axis.from);
    } else {
      result.push_back(axis);
    }
    last_is_identity = identity;
  }
  if (result.empty()) result.push_back(AxisTaps::identity(1));
  return result;
}

TapPlan::Axis prepared(const AxisTaps& axis, int64_t stride) {
  TapPlan::Axis result{axis.from, axis.to(), stride, {0}, {}, {}};
  for (const std::vector<Tap>& row : axis.rows) {
    for (const Tap& tap : row) {
      result.offsets.push_back(tap.index * stride);
      result.weights.push_back(static_cast<float>(tap.weight));
    }
    result.first.push_back(static_cast<int64_t>(result.offsets.size()));
  }
  return result;
}

// The k-th taps of neighbouring rows that tap neighbours with the same weight are a run.
std::vector<TapPlan::Run> runs_of(const AxisTaps& axis, size_t most_taps) {
  std::vector<TapPlan::Run> runs;
  for (size_t k = 0; k < most_taps; ++k) {
    const size_t start = runs.size();
    for (int64_t to = 0; to < axis.to(); ++to) {
      const std::vector<Tap>& row = axis.rows[static_cast<size_t>(to)];
      if (k >= row.size()) continue;
      const auto weight = static_cast<float>(row[k].weight);
      if (runs.size() > start) {
        TapPlan::Run& last = runs.back();
        if (last.to + last.length == to && last.from + last.length == row[k].index && last.weight == weight) {
          ++last.length;
          continue;
        }
      }
      runs.push_back({row[k].index, to, 1, weight});
    }
  }
  return runs;
}

size_t most_taps(const AxisTaps& axis) {
  size_t most = 0;
  for (const std::vector<Tap>& row : axis.rows) most = std::max(most, row.size());
  return most;
}

}  // namespace

TapPlan::TapPlan(std::span<const AxisTaps> axes_apart) {
  const std::vector<AxisTaps> axes = merged(axes_apart);
  int64_t stride = 1;
  for (size_t k = axes.size(); k-- > 0;) {
    const size_t most = most_taps(axes[k]);
    copies_ = copies_ && most <= 1;
    row_cost_ *= std::max<int64_t>(1, static_cast<int64_t>(most));
    if (k + 1 == axes.size()) {
      inner_ = runs_of(axes[k], most);
      length_ = axes[k].to();
      whole_rows_ = inner_.size() == 1 && inner_[0].length == length_;
    } else {
      outer_.insert(outer_.begin(), prepared(axes[k], stride));
      rows_ *= axes[k].to();
    }
    stride *= axes[k].from;
  }
  row_cost_ *= length_;
}

void TapPlan::run(float fill, const float* x, float* y) const {
  constexpr int64_t grain = 16384;  // multiplications per chunk
  auto* const kernel = HWY_DYNAMIC_DISPATCH(TappedRows);
  parallel_for(rows_, std::max<int64_t>(1, grain / row_cost_),
               [&](int64_t begin, int64_t end) { kernel(*this, fill, begin, end, x, y); });
}

}  // namespace fovea::cpu
#endif
