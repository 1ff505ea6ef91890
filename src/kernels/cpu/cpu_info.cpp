#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>

#include "fovea/cpu.h"
#include "fovea/error.h"

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

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Highway numbers its targets; people know the names on the right.
std::string familiar_name(int64_t target) {
  switch (target) {
    case HWY_AVX3:
      return "avx512";
    case HWY_SCALAR:
      return "baseline";
    case HWY_AVX2:
      return "avx2";
    default:
      return lower_case(hwy::TargetName(target));
  }
}

// Best first: those this CPU has among those compiled. Asked for once, before any was set.
const std::vector<int64_t>& usable_targets() {
  static const std::vector<int64_t> targets = hwy::SupportedAndGeneratedTargets();
  return targets;
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
  use_environment_instruction_set();
  CpuInfo info;
  info.model = model_name();
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) info.cpus = std::max(1, CPU_COUNT(&set));
  info.instruction_set = familiar_name(cpu::target_in_use());
  for (const int64_t target : usable_targets()) info.instruction_sets.push_back(familiar_name(target));
  return info;
}

void set_instruction_set(std::string_view name) {
  std::vector<std::string> names;
  for (const int64_t target : usable_targets()) {
    names.push_back(familiar_name(target));
    if (names.back() != name) continue;
    hwy::SetSupportedTargetsForTest(target | HWY_SCALAR);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    return;
  }
  throw Error(ErrorKind::usage,
              fmt::format("no instruction set '{}' here: choose one of {}", name, fmt::join(names, ", ")));
}

void use_environment_instruction_set() {
  static const bool done = [] {
    if (const char* name = std::getenv("FOVEA_INSTRUCTION_SET"); name != nullptr) set_instruction_set(name);
    return true;
  }();
  static_cast<void>(done);
}

}  // namespace fovea
#endif
