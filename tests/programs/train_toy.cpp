// Trains the toy problem in the folder given, resuming when a run is there already. Slow enough to be interrupted:
// tests kill it. Exits 130 after SIGINT, 3 after an error.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <thread>

#include "fovea/model_file.h"
#include "fovea/run_folder.h"
#include "toy.h"

namespace {

std::atomic<bool> stop{false};

int train(const std::filesystem::path& folder) {
  using namespace fovea;
  const bool resuming = std::filesystem::exists(folder / "config.json");
  FitOptions options = resuming ? read_run_config(folder) : toy_options();
  options.run_folder = folder;
  options.save_every = 0;
  options.stop = &stop;
  options.on_progress = [](const Progress&) { std::this_thread::sleep_for(std::chrono::milliseconds(2)); };
  Model model = toy_model(1);
  const auto data = toy_dataset(200, 2);
  const auto validation = toy_dataset(50, 3);
  const History history = resuming ? resume(model, data, validation, options) : fit(model, data, validation, options);
  return history.interrupted ? 130 : 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  std::signal(SIGINT, [](int) { stop.store(true); });
  try {
    return train(arguments[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 3;
  }
}
