#pragma once

#include <string>
#include <vector>

namespace fovea {

// What the kernels find on this machine.
struct CpuInfo {
  std::string model;                          // as the system names it, or "unknown"
  int cpus = 1;                               // that this process may run on
  std::vector<std::string> instruction_sets;  // that the kernels were compiled for and this CPU has, best first
  std::string instruction_set;                // the one in use
};

CpuInfo cpu_info();

}  // namespace fovea
