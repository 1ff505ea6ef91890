#include "interrupt.h"

#include <csignal>

namespace fovea::cli {

namespace {

std::atomic<bool> flag{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

void on_signal(int signal) {
  flag.store(true);
  std::signal(signal, SIG_DFL);
}

}  // namespace

const std::atomic<bool>& catch_interrupts() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGPIPE, [](int) { flag.store(true); });  // not the end of a second write either
  return flag;
}

bool interrupted() { return flag.load(); }

}  // namespace fovea::cli
