#pragma once

namespace fovea {

// "major.minor.patch" of the library in use.
const char* version();

}  // namespace fovea
