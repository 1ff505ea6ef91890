#pragma once

#include <atomic>

namespace fovea::cli {

constexpr int exit_interrupted = 130;

// From now on the first Ctrl-C (or SIGTERM, or SIGPIPE when the reader of the output is gone) sets the flag returned
// and lets the work save and stop; a second one ends the program at once.
const std::atomic<bool>& catch_interrupts();
bool interrupted();

}  // namespace fovea::cli
