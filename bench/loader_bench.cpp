// How fast pictures become batches: everything from the file to floats, by one thread, or by two beside the one that
// waits; and how fast SqueezeNet, with all threads, takes such batches. Synthetic pictures of smooth noise.

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numeric>

#include "fovea/augment.h"
#include "fovea/data.h"
#include "fovea/session.h"
#include "fovea/zoo.h"

namespace {

using namespace fovea;

constexpr int64_t pictures = 64;

Image smooth_noise(int height, int width, int64_t number) {
  Image image{height, width, 3, {}};
  const Random random(static_cast<uint64_t>(number));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double wave = std::sin(0.03 * (c + 1) * x + static_cast<double>(number)) + std::cos(0.05 * y - c);
        const auto at = static_cast<uint64_t>((y * width + x) * 3 + c);
        image.pixels.push_back(static_cast<uint8_t>(128 + 50 * wave + 20 * static_cast<double>(random.uniform(at))));
      }
    }
  }
  return image;
}

std::shared_ptr<const Dataset> in_memory(int side) {
  std::vector<Image> images;
  for (int64_t i = 0; i < pictures; ++i) images.push_back(smooth_noise(side, side, i));
  return make_dataset(std::move(images), std::vector<int64_t>(pictures, 0), {"only"});
}

// JPEG files of this size, read anew each time.
std::shared_ptr<const Dataset> in_files(int height, int width) {
  const auto folder = std::filesystem::temp_directory_path() / "fovea-bench-loader" / std::to_string(height);
  std::filesystem::create_directories(folder / "only");
  for (int64_t i = 0; i < pictures; ++i) {
    write_jpeg(folder / "only" / (std::to_string(i) + ".jpg"), smooth_noise(height, width, i), 90);
  }
  return open_folder(folder);
}

void load(benchmark::State& state, const std::shared_ptr<const Dataset>& dataset, const char* text, int side,
          int shorter = 0, int workers = 0) {
  const Preprocessing p{.height = side,
                        .width = side,
                        .channels = 3,
                        .padding = 0,
                        .mean = {0, 0, 0},
                        .std = {1, 1, 1},
                        .shorter_side = shorter,
                        .filter = ResizeFilter::bicubic};
  const Augmentation augmentation(text);
  std::vector<int64_t> order(pictures);
  std::iota(order.begin(), order.end(), int64_t{0});
  uint64_t epoch = 0;
  for ([[maybe_unused]] const auto& once : state) {
    const auto view = augmented(dataset, augmentation, 1, epoch++, augmentation.enough());
    Loader loader(view, p, order, {.batch_size = 16, .workers = workers});
    while (const Batch* batch = loader.next()) benchmark::DoNotOptimize(batch->images.data());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * pictures);
}

void cifar_plain(benchmark::State& state) { load(state, in_memory(32), "", 32); }
void cifar_pad_crop_flip(benchmark::State& state) { load(state, in_memory(32), "pad 4, crop 32, flip", 32); }
void cifar_randaugment(benchmark::State& state) { load(state, in_memory(32), "pad 4, crop 32, flip, randaugment", 32); }
void jpeg_224(benchmark::State& state) { load(state, in_files(224, 224), "", 224); }
void jpeg_224_crop_flip_jitter(benchmark::State& state) {
  load(state, in_files(224, 224), "resized-crop 224, flip, jitter 0.4 0.4 0.4", 224);
}
void jpeg_224_crop_flip_jitter_two_workers(benchmark::State& state) {
  load(state, in_files(224, 224), "resized-crop 224, flip, jitter 0.4 0.4 0.4", 224, 0, 2);
}
void squeezenet1_1(benchmark::State& state) {
  constexpr int64_t batch = 16;
  Session session(zoo::create("squeezenet1_1"), {.batch = batch});
  for (float& x : session.input("input")) x = 0.5F;
  for ([[maybe_unused]] const auto& once : state) session.forward();
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * batch);
}
void jpeg_500_256_cut_224(benchmark::State& state) { load(state, in_files(375, 500), "", 224, 256); }
void jpeg_500_resized_crop(benchmark::State& state) { load(state, in_files(375, 500), "resized-crop 224, flip", 224); }
void jpeg_2000_resized_crop(benchmark::State& state) {
  load(state, in_files(1500, 2000), "resized-crop 224, flip", 224);
}

BENCHMARK(cifar_plain);
BENCHMARK(cifar_pad_crop_flip);
BENCHMARK(cifar_randaugment);
BENCHMARK(jpeg_224);
BENCHMARK(jpeg_224_crop_flip_jitter);
BENCHMARK(jpeg_224_crop_flip_jitter_two_workers)->UseRealTime();
BENCHMARK(squeezenet1_1)->UseRealTime();
BENCHMARK(jpeg_500_256_cut_224);
BENCHMARK(jpeg_500_resized_crop);
BENCHMARK(jpeg_2000_resized_crop);

}  // namespace
