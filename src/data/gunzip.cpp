#include "data/gunzip.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "core/text.h"
#include "fovea/error.h"

namespace fovea {

namespace {

constexpr size_t piece = size_t{1} << 30;  // zlib counts in 32 bits

}  // namespace

Gunzip::Gunzip(std::span<const std::byte> bytes, std::string_view name) : rest_(bytes), name_(name) {
  constexpr int gzip_with_largest_window = 16 + MAX_WBITS;
  if (inflateInit2(&stream_, gzip_with_largest_window) != Z_OK) throw std::bad_alloc();
}

Gunzip::~Gunzip() { inflateEnd(&stream_); }

void Gunzip::fail(const char* reason) const {
  throw Error(ErrorKind::data, fmt::format("{} is corrupt: {}", printable(name_), reason));
}

size_t Gunzip::read(std::span<std::byte> out) {
  size_t used = 0;
  while (used < out.size() && !ended_) {
    if (stream_.avail_in == 0) {
      const auto next = rest_.first(std::min(rest_.size(), piece));
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(next.data()));
      stream_.avail_in = static_cast<uInt>(next.size());
      rest_ = rest_.subspan(next.size());
    }
    const size_t room = std::min(out.size() - used, piece);
    stream_.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    stream_.avail_out = static_cast<uInt>(room);
    const int status = inflate(&stream_, Z_NO_FLUSH);
    used += room - stream_.avail_out;
    if (status == Z_STREAM_END) {
      ended_ = stream_.avail_in == 0 && rest_.empty();
      if (!ended_) inflateReset(&stream_);  // a gzip file may have several members, one after the other
    } else if (status == Z_BUF_ERROR && stream_.avail_in == 0 && rest_.empty()) {
      fail("the gzip data are cut short");
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      fail(stream_.msg != nullptr ? stream_.msg : "the gzip data make no sense");
    }
  }
  return used;
}

}  // namespace fovea
