#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fovea {

// The candidate with the smallest edit distance to `name` (a swap of neighbours is one edit), or "" when none is near
// enough to be a likely slip: more than 2 edits and more than a third of the letters, or every letter changed.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

// "; did you mean 'relu'?" or "".
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace fovea
