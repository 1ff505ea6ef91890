#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "fovea/tensor.h"

namespace fovea {

// Every failure below is Error(data), one line that names the path and the system's reason.

// An open file of the operating system, closed with the object.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() { reset(); }

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void reset() noexcept;

 private:
  int fd_ = -1;
};

// A file that appears whole or not at all. Bytes go to the sibling `path`.partial; commit() makes them durable and
// renames it over `path`. Until then, and after any failure, an old file at `path` stays as it was and the sibling is
// removed. A killed writer can leave the sibling behind; the next writer of the same path starts it anew.
// A symbolic link at `path` is replaced, not followed.
class AtomicFile {
 public:
  // Throws also when `path` exists and is no regular file, or while another AtomicFile writes the same path.
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void append(std::span<const std::byte> bytes);
  // To be called once, last. Without it the destructor discards everything.
  void commit();

 private:
  void discard() noexcept;
  [[noreturn]] void fail(uint64_t bytes, int error);

  std::filesystem::path path_;
  std::filesystem::path partial_;
  FileDescriptor file_;
  uint64_t written_ = 0;
};

void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);

// The whole file or stream. Throws when it holds more than max_size bytes, without reading more than that.
std::vector<std::byte> read_file(const std::filesystem::path& path, uint64_t max_size);

// A regular file as read-only memory; an empty file gives an empty span. The kernel raises SIGBUS if another process
// shortens the file meanwhile, which AtomicFile never does.
class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept : file_(std::move(other.file_)), bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(file_, other.file_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }
  // Whether this part, not empty, lies in bytes().
  bool contains(std::span<const std::byte> part) const noexcept;
  // A part of bytes() as a tensor of its own, as Tensor::map() makes it.
  std::optional<Tensor> tensor(const Shape& shape, std::span<const std::byte> part) const;
  // Lets the system take back the memory of this part, rounded out to pages, which reads the file again when used
  // again.
  void release(std::span<const std::byte> part) const noexcept;

 private:
  FileDescriptor file_;
  std::span<const std::byte> bytes_;
};

}  // namespace fovea
