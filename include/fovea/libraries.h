#pragma once

#include <string>
#include <utility>
#include <vector>

namespace fovea {

// Name and version of each library that this one was built with or loaded.
std::vector<std::pair<std::string, std::string>> library_versions();

}  // namespace fovea
