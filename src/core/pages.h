#pragma once

#include <cstddef>
#include <cstdint>

namespace fovea {

// In bytes; smaller blocks are left to the heap, and all of them where a sanitizer watches it.
#ifdef __SANITIZE_ADDRESS__
constexpr size_t smallest_mapping = PTRDIFF_MAX;
#else
constexpr size_t smallest_mapping = size_t{1} << 20;
#endif

// Zeroed memory straight from the operating system, page-aligned. It takes no room before it is written to, and all of
// it is given back when freed, which a heap does not promise. Null when it cannot be had.
void* allocate_pages(size_t bytes) noexcept;
// These bytes of an open file. A page is read when it is used and becomes the caller's own when it is written to: the
// file stays as it is, and no other mapping sees what is written. Null when it cannot be had.
void* map_pages(int file, size_t offset, size_t bytes) noexcept;
// All pages that these bytes lie in, as one of the above gave them.
void free_pages(void* memory, size_t bytes) noexcept;

}  // namespace fovea
