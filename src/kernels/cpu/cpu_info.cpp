#include <sched.h>

#include <algorithm>
#include <fstream>

#include "fovea/cpu.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/cpu_info.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {

int64_t TargetInUse() { return HWY_TARGET; }

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea {

namespace cpu {
HWY_EXPORT(TargetInUse);
namespace {
int64_t target_in_use() { return HWY_DYNAMIC_DISPATCH(TargetInUse)(); }
}  // namespace
}  // namespace cpu

namespace {

// Highway numbers its targets; people know the names on the right.
std::string familiar_name(int64_t target) {
  switch (target) {
    case HWY_AVX3:
      return "AVX-512";
    case HWY_SCALAR:
      return "baseline (scalar)";
    default:
      return hwy::TargetName(target);
  }
}

std::string model_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    if (const size_t colon = line.find(": "); colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

}  // namespace

CpuInfo cpu_info() {
  CpuInfo info;
  info.model = model_name();
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) info.cpus = std::max(1, CPU_COUNT(&set));
  info.instruction_set = familiar_name(cpu::target_in_use());
  const int64_t usable = hwy::SupportedTargets() & HWY_TARGETS;
  for (int64_t bit = 1; bit != 0 && bit <= HWY_SCALAR; bit <<= 1) {  // Highway's order: better targets have lower bits
    if ((usable & bit) != 0) info.instruction_sets.push_back(familiar_name(bit));
  }
  return info;
}

}  // namespace fovea
#endif
