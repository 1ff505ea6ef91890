#pragma once

#include <string>

#include "fovea/op.h"

namespace fovea {

// An op's options, without those that have their usual value, in the words of the text form: "32 3x3 pad 1".
std::string option_words(const Attributes& attributes);

}  // namespace fovea
