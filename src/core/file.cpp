#include "core/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <string>
#include <system_error>

#include "core/text.h"
#include "fovea/error.h"

namespace fovea {

namespace fs = std::filesystem;

namespace {

std::string reason(int error) { return std::generic_category().message(error); }

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

[[noreturn]] void fail_reading(const fs::path& path, const std::string& why) {
  throw Error(ErrorKind::data, fmt::format("cannot read {}: {}", printable(path), why));
}

[[noreturn]] void fail_writing(const fs::path& path, const std::string& why) {
  throw Error(ErrorKind::data, fmt::format("cannot write {}: {}", printable(path), why));
}

FileDescriptor open_for_reading(const fs::path& path, int flags, struct stat& status) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags));
  if (!file.is_open() || ::fstat(file.get(), &status) != 0) fail_reading(path, reason(errno));
  if (S_ISDIR(status.st_mode)) fail_reading(path, "it is a folder");
  return file;
}

// True if `file` is (still) what the name `path` stands for.
bool is_same_file(const FileDescriptor& file, const fs::path& path) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(file.get(), &opened) == 0 && ::lstat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

// Creates or takes over `partial` under an exclusive lock, which the kernel drops when the process dies: a leftover of
// a killed writer can be taken, the file of a living one cannot. Returns a closed descriptor, errno set, on failure.
FileDescriptor open_partial(const fs::path& partial) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    FileDescriptor file(::open(partial.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (!file.is_open()) return file;
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return {};
    // Another writer may have renamed or removed it between open and flock.
    if (!is_same_file(file, partial)) continue;
    if (::ftruncate(file.get(), 0) != 0) return {};
    return file;
  }
  errno = EWOULDBLOCK;
  return {};
}

void sync_folder(const fs::path& folder) {
  const FileDescriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.is_open()) ::fsync(file.get());  // makes the rename durable; not every file system offers it
}

}  // namespace

void FileDescriptor::reset() noexcept {
  if (is_open()) ::close(std::exchange(fd_, -1));
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)), partial_(path_) {
  partial_ += ".partial";
  struct stat status {};
  if (::stat(path_.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    fail_writing(path_, S_ISDIR(status.st_mode) ? "it is a folder" : "it is no regular file");
  }
  file_ = open_partial(partial_);
  if (file_.is_open()) return;
  if (errno == ENOENT) fail_writing(path_, fmt::format("there is no folder {}", printable(folder_of(path_))));
  const int error = errno;
  throw Error(ErrorKind::data, fmt::format("cannot write {}: {}", printable(path_),
                                           error == EWOULDBLOCK ? "another writer is at work on it" : reason(error)));
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() noexcept {
  if (!file_.is_open()) return;
  ::unlink(partial_.c_str());
  file_.reset();
}

void AtomicFile::fail(uint64_t bytes, int error) {
  discard();
  throw Error(ErrorKind::data, fmt::format("cannot write {} ({} bytes): {}", printable(path_), bytes, reason(error)));
}

void AtomicFile::append(std::span<const std::byte> bytes) {
  const uint64_t size = written_ + bytes.size();
  while (!bytes.empty()) {
    const ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail(size, count < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  written_ = size;
}

void AtomicFile::commit() {
  if (::fsync(file_.get()) != 0) fail(written_, errno);
  if (::rename(partial_.c_str(), path_.c_str()) != 0) fail(written_, errno);
  file_.reset();
  sync_folder(folder_of(path_));
}

void write_file_atomically(const fs::path& path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.append(bytes);
  file.commit();
}

std::vector<std::byte> read_file(const fs::path& path, uint64_t max_size) {
  max_size = std::min<uint64_t>(max_size, PTRDIFF_MAX - 1);
  struct stat status {};
  const FileDescriptor file = open_for_reading(path, 0, status);
  const auto refuse_size = [&] { fail_reading(path, fmt::format("it holds more than {} bytes", max_size)); };
  if (S_ISREG(status.st_mode) && static_cast<uint64_t>(status.st_size) > max_size) refuse_size();

  // Streams and files under /proc do not tell their size: read until the end, whatever was announced.
  std::vector<std::byte> bytes;
  size_t used = 0;
  for (;;) {
    const auto announced = static_cast<uint64_t>(status.st_size) + 1;
    const auto wanted = std::max<uint64_t>({announced, used + used / 2, used + 4096});
    if (used == bytes.size()) bytes.resize(static_cast<size_t>(std::min(wanted, max_size + 1)));
    const ssize_t count = ::read(file.get(), bytes.data() + used, bytes.size() - used);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_reading(path, reason(errno));
    if (count == 0) break;
    used += static_cast<size_t>(count);
    if (used > max_size) refuse_size();
  }
  bytes.resize(used);
  return bytes;
}

MappedFile::MappedFile(const fs::path& path) {
  struct stat status {};
  // Without O_NONBLOCK opening a pipe would wait for its writer.
  file_ = open_for_reading(path, O_NONBLOCK, status);
  if (!S_ISREG(status.st_mode)) fail_reading(path, "it is no regular file");
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return;
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file_.get(), 0);
  if (memory == MAP_FAILED) fail_reading(path, reason(errno));
  bytes_ = {static_cast<const std::byte*>(memory), size};
}

bool MappedFile::contains(std::span<const std::byte> part) const noexcept {
  const std::less_equal<> before;
  return !bytes_.empty() && !part.empty() && before(bytes_.data(), part.data()) && before(&part.back(), &bytes_.back());
}

std::optional<Tensor> MappedFile::tensor(const Shape& shape, std::span<const std::byte> part) const {
  return Tensor::map(shape, file_.get(), static_cast<size_t>(part.data() - bytes_.data()));
}

void MappedFile::release(std::span<const std::byte> part) const noexcept {
  static const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const size_t before = reinterpret_cast<uintptr_t>(part.data()) % page;
  auto* const begin = const_cast<std::byte*>(part.data()) - before;
  ::madvise(begin, before + part.size(), MADV_DONTNEED);  // never written to: nothing is lost
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace fovea
