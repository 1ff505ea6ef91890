#pragma once

#include <concepts>
#include <filesystem>
#include <string>
#include <string_view>

namespace fovea {

// Text that can be shown on one line and stored in JSON, whatever bytes it came from: what is not UTF-8 becomes U+FFFD,
// control characters become '?'.
std::string printable(std::string_view bytes);
// Constrained, because text converts to paths too.
std::string printable(const std::same_as<std::filesystem::path> auto& path) {
  return printable(std::string_view(path.native()));
}

}  // namespace fovea
