#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

// What a pickle describes, as plain data. Values refer to each other by their index in Pickle::values, so that shared
// and even circular ones are harmless.
struct PickleValue {
  enum class Kind : uint8_t {
    none,
    boolean,     // integer: 0 or 1
    integer,     // integer
    wide,        // text: the little-endian bytes of an integer of more than 64 bits
    real,        // real
    text,        // text
    sequence,    // items: a tuple or list
    dict,        // items: key, value, key, value, ...
    global,      // text: "module.name"
    call,        // items: a global and the sequence of its arguments; described, never called
    persistent,  // items: what a persistent id refers to
  };
  Kind kind = Kind::none;
  int64_t integer = 0;
  double real = 0;
  std::string text{};
  std::vector<uint32_t> items{};
};

struct Pickle {
  std::vector<PickleValue> values;
  uint32_t root = 0;
  size_t size = 0;  // bytes of the pickle; more may follow

  const PickleValue& operator[](uint32_t index) const { return values[index]; }
};

// Reads the part of Python's pickle language (protocols 2 to 5) that plain values and tensors take. collections.
// OrderedDict becomes a dict (attributes put on it are dropped); of all other globals those in `allowed` may be named
// and called. Error(format), opening with `source`, names any other global or opcode, or says where the pickle is
// damaged or too large (2^20 values).
Pickle read_pickle(std::span<const std::byte> bytes, std::span<const std::string_view> allowed,
                   const std::string& source);

}  // namespace fovea
