#include "core/pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace fovea {

namespace {

constexpr size_t huge_page = size_t{2} << 20;

size_t rounded_up(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

size_t page_size() {
  static const auto size = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

}  // namespace

// Blocks begin on a huge page of their own: one that two blocks shared would outlive the first of them.
void* allocate_pages(size_t bytes) noexcept {
  if (bytes > PTRDIFF_MAX - 2 * huge_page) return nullptr;
  const size_t size = rounded_up(bytes, page_size());
  const size_t reserved = size + huge_page;
  void* const memory = ::mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* const start = static_cast<std::byte*>(memory);
  const size_t before = rounded_up(reinterpret_cast<uintptr_t>(start), huge_page) - reinterpret_cast<uintptr_t>(start);
  if (before > 0) ::munmap(start, before);
  if (before < huge_page) ::munmap(start + before + size, huge_page - before);
  // A wish only: a 512th of the page faults, and of the places that address translation has to hold.
  if (size >= huge_page) ::madvise(start + before, size, MADV_HUGEPAGE);
  return start + before;
}

void* map_pages(int file, size_t offset, size_t bytes) noexcept {
  const size_t before = offset % page_size();
  void* const memory =
      ::mmap(nullptr, before + bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, static_cast<off_t>(offset - before));
  return memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory) + before;
}

void free_pages(void* memory, size_t bytes) noexcept {
  const size_t before = reinterpret_cast<uintptr_t>(memory) % page_size();
  ::munmap(static_cast<std::byte*>(memory) - before, before + bytes);
}

}  // namespace fovea
