#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fovea {

// What the kernels find on this machine.
struct CpuInfo {
  std::string model;                          // as the system names it, or "unknown"
  int cpus = 1;                               // that this process may run on
  std::vector<std::string> instruction_sets;  // that the kernels were compiled for and this CPU has, best first:
                                              // "avx512", "avx2", "baseline" ...
  std::string instruction_set;                // the one in use
};

CpuInfo cpu_info();

// Makes the kernels of sessions prepared from now on use this instruction set instead of the best one. At the first
// session it is taken from the environment, FOVEA_INSTRUCTION_SET, if that is set.
// Throws Error(usage) for one that this CPU lacks or that is unknown, listing those there are.
void set_instruction_set(std::string_view name);
// What the environment asks for; done once.
void use_environment_instruction_set();

}  // namespace fovea
