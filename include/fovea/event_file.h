#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include "fovea/image.h"

namespace fovea {

// CRC-32C (Castagnoli, RFC 3720 appendix B.4).
uint32_t crc32c(std::span<const char> bytes);

// A file that TensorBoard shows while it grows: records of TensorFlow's format, each an Event (tensorflow/core/util/
// event.proto) as
//   length, 8 bytes little-endian | masked CRC-32C of these | the message | masked CRC-32C of the message
// where masked is ((crc >> 15) | (crc << 17)) + 0xa282ead8.
// All of it throws Error(data), naming the file, when it cannot be written.
class EventFile {
 public:
  // Creates folder/events.out.tfevents.SECONDS.HOST.PID, numbered when that exists.
  explicit EventFile(const std::filesystem::path& folder);

  const std::filesystem::path& path() const { return path_; }

  // A point of the curve `tag` ("train/loss") at a step.
  void add_scalar(std::string_view tag, double value, int64_t step);
  // Throws Error(usage) when the image is empty or inconsistent.
  void add_image(std::string_view tag, const Image& image, int64_t step);
  // Tells that the run goes on from this step: TensorBoard forgets what earlier files say of it and later ones.
  void add_restart(int64_t step);
  // What was added reaches the file at last.
  void flush();

 private:
  void write_event(int64_t step, int number, std::string_view message);
  void write_record(std::string_view message);
  void check() const;

  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace fovea
