// NumPy's array files (numpy.lib.format): "\x93NUMPY", a version, the length of a header, the header, a Python literal
//   {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
// and the elements. An .npz is a zip archive of them.
#include "io/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "fovea/error.h"
#include "io/json.h"
#include "io/tensor_readers.h"

namespace fovea {

namespace {

using Bytes = std::span<const std::byte>;

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::string_view extension = ".npy";
constexpr size_t max_header = 1 << 16;  // real ones take a few hundred bytes

// Names without the byte order. NumPy has no bfloat16.
constexpr std::array<std::pair<std::string_view, DType>, 12> types = {{{"f8", DType::f64},
                                                                       {"f4", DType::f32},
                                                                       {"f2", DType::f16},
                                                                       {"i8", DType::i64},
                                                                       {"i4", DType::i32},
                                                                       {"i2", DType::i16},
                                                                       {"i1", DType::i8},
                                                                       {"u8", DType::u64},
                                                                       {"u4", DType::u32},
                                                                       {"u2", DType::u16},
                                                                       {"u1", DType::u8},
                                                                       {"b1", DType::boolean}}};

[[noreturn]] void refuse(const std::string& source, const std::string& why) {
  throw Error(ErrorKind::format, fmt::format("{}: {}", source, why));
}

struct Header {
  std::string descr;
  bool fortran = false;
  std::vector<int64_t> shape;
};

// Reads the header's literal: a dict of a text, a truth value and a tuple of numbers.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& source) : rest_(text), source_(source) {}

  Header parse() {
    Header header;
    int keys = 0;
    expect('{');
    while (!accept('}')) {
      const std::string key = text();
      expect(':');
      if (key == "descr") {
        header.descr = text();
      } else if (key == "fortran_order") {
        header.fortran = truth();
      } else if (key == "shape") {
        header.shape = numbers();
      } else {
        damaged();
      }
      ++keys;
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (keys != 3 || !rest_.empty()) damaged();
    return header;
  }

 private:
  [[noreturn]] void damaged() const { refuse(source_, "the header is not as NumPy writes it"); }

  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size())); }
  bool accept(char c) {
    skip_space();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c)) damaged();
  }
  bool accept_word(std::string_view word) {
    skip_space();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  std::string text() {
    if (accept('[')) refuse(source_, "records of several fields are not read, only arrays of numbers");
    const char quote = accept('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const size_t end = rest_.find(quote);
    if (end == std::string_view::npos) damaged();
    std::string value(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return value;
  }

  bool truth() {
    if (accept_word("True")) return true;
    if (!accept_word("False")) damaged();
    return false;
  }

  std::vector<int64_t> numbers() {
    std::vector<int64_t> values;
    expect('(');
    while (!accept(')')) {
      int64_t value = 0;
      skip_space();
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
      if (error != std::errc() || value < 0) damaged();
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      accept('L');  // Python 2
      values.push_back(value);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return values;
  }

  std::string_view rest_;
  const std::string& source_;
};

// Takes magic, version and header off the front.
Header take_header(Bytes& bytes, const std::string& source) {
  const auto take = [&](size_t size) {
    if (size > bytes.size()) refuse(source, "truncated within the header");
    const Bytes taken = bytes.first(size);
    bytes = bytes.subspan(size);
    return std::string_view(reinterpret_cast<const char*>(taken.data()), taken.size());
  };
  if (take(magic.size()) != magic) refuse(source, "not a NumPy array: the first bytes differ");
  const std::string_view version = take(2);
  if (version[0] < 1 || version[0] > 3) {
    refuse(source, fmt::format("version {} of the format; 1 to 3 are read", static_cast<uint8_t>(version[0])));
  }
  uint32_t length = 0;  // little-endian
  const std::string_view digits = take(version[0] == 1 ? 2 : 4);
  std::memcpy(&length, digits.data(), digits.size());
  if (length > max_header) refuse(source, fmt::format("a header of {} bytes, at most {} are read", length, max_header));
  return HeaderParser(take(length), source).parse();
}

DType find_type(const std::string& descr, const std::string& source) {
  const std::string_view name = std::string_view(descr).substr(descr.empty() ? 0 : 1);
  const auto type = std::ranges::find(types, name, &std::pair<std::string_view, DType>::first);
  if (type != types.end() && std::string_view("<>=|").find(descr[0]) != std::string_view::npos) return type->second;
  refuse(source, fmt::format("elements of type {}; floats of up to 64 bits, integers and booleans are read{}",
                             quote_name(descr), name.starts_with('O') ? ", pickled objects never" : ""));
}

// A copy with the bytes of each item reversed.
std::shared_ptr<const std::vector<std::byte>> swap_bytes(Bytes bytes, size_t item) {
  auto swapped = std::make_shared<std::vector<std::byte>>(bytes.begin(), bytes.end());
  for (auto at = swapped->begin(); at != swapped->end(); at += static_cast<ptrdiff_t>(item)) {
    std::reverse(at, at + static_cast<ptrdiff_t>(item));
  }
  return swapped;
}

Shape shape_of(const Header& header, const std::string& source) {
  try {
    return Shape(header.shape);
  } catch (const Error& error) {
    refuse(source, error.what());
  }
}

// The first axis runs fastest in Fortran's order, the last in C's.
std::vector<int64_t> strides_of(const Header& header) {
  std::vector<int64_t> strides(header.shape.size());
  int64_t stride = 1;
  for (size_t i = 0; i < strides.size(); ++i) {
    const size_t axis = header.fortran ? i : strides.size() - 1 - i;
    strides[axis] = std::exchange(stride, stride * header.shape[axis]);
  }
  return strides;
}

StoredTensor read_array(std::string name, Bytes bytes, const std::string& source,
                        std::vector<std::shared_ptr<const void>>& memory) {
  const Header header = take_header(bytes, source);
  const DType dtype = find_type(header.descr, source);
  const Shape shape = shape_of(header, source);
  const size_t item = item_size(dtype);
  if (const uint64_t needed = static_cast<uint64_t>(shape.elements()) * item; needed != bytes.size()) {
    refuse(source, fmt::format("{} of shape {} takes {} bytes, the file has {}", to_string(dtype), to_string(shape),
                               needed, bytes.size()));
  }
  if (bytes.empty()) return {.name = std::move(name), .dtype = dtype, .shape = shape, .bytes = bytes};
  if (header.descr[0] == '>' && item > 1) {
    const auto swapped = swap_bytes(bytes, item);
    bytes = *swapped;
    memory.push_back(swapped);
  }
  return make_view(std::move(name), dtype, bytes, 0, header.shape, strides_of(header));
}

std::string_view type_name(DType dtype) {
  return std::ranges::find(types, dtype, &std::pair<std::string_view, DType>::second)->first;
}

}  // namespace

TensorFile read_npy(Bytes bytes, const std::string& source) {
  TensorFile file{.source = source, .format = "npy", .tensors = {}};
  file.tensors.push_back(read_array("array", bytes, source, file.memory));
  return file;
}

TensorFile read_npz(const ZipEntries& entries, const std::string& source) {
  TensorFile file{.source = source, .format = "npz", .tensors = {}};
  std::vector<ZipEntries::const_iterator> in_order;
  for (auto entry = entries.begin(); entry != entries.end(); ++entry) in_order.push_back(entry);
  std::ranges::stable_sort(in_order, {}, [](const auto& entry) { return entry->second.packed.data(); });
  for (const auto& entry : in_order) {
    const std::string name = entry->first.substr(0, entry->first.size() - extension.size());
    const std::string where = fmt::format("{}: array {}", source, quote_name(name));
    file.tensors.push_back(read_array(name, zip_content(entry->second, where, file.memory), where, file.memory));
  }
  return file;
}

std::string npy_header(DType dtype, const Shape& shape) {
  constexpr size_t alignment = 64;
  std::string extents;
  for (const int64_t extent : shape.dims()) extents += fmt::format("{}, ", extent);
  if (shape.rank() > 1) extents.resize(extents.size() - 2);
  if (shape.rank() == 1) extents.resize(extents.size() - 1);
  std::string text = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}",
                                 item_size(dtype) == 1 ? '|' : '<', type_name(dtype), extents);
  const size_t before = magic.size() + 4;
  text.append((alignment - (before + text.size() + 1) % alignment) % alignment, ' ');
  text += '\n';
  const auto length = static_cast<uint16_t>(text.size());
  std::string header(magic);
  header += {'\x01', '\x00', static_cast<char>(length & 255U), static_cast<char>(length >> 8U)};
  return header + text;
}

}  // namespace fovea
