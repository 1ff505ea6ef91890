#include "io/pickle.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <utility>

#include "fovea/error.h"
#include "io/json.h"

namespace fovea {

namespace {

using Kind = PickleValue::Kind;

constexpr size_t max_values = size_t{1} << 20;
constexpr std::string_view ordered_dict = "collections.OrderedDict";

// Names of the opcodes that are known but not carried out (Python's pickletools).
constexpr std::array<std::pair<uint8_t, std::string_view>, 27> refused_opcodes = {{{'F', "FLOAT"},
                                                                                   {'I', "INT"},
                                                                                   {'L', "LONG"},
                                                                                   {'P', "PERSID"},
                                                                                   {'S', "STRING"},
                                                                                   {'V', "UNICODE"},
                                                                                   {'g', "GET"},
                                                                                   {'i', "INST"},
                                                                                   {'o', "OBJ"},
                                                                                   {'p', "PUT"},
                                                                                   {'B', "BINBYTES"},
                                                                                   {'C', "SHORT_BINBYTES"},
                                                                                   {0x81, "NEWOBJ"},
                                                                                   {0x82, "EXT1"},
                                                                                   {0x83, "EXT2"},
                                                                                   {0x84, "EXT4"},
                                                                                   {0x8B, "LONG4"},
                                                                                   {0x8E, "BINBYTES8"},
                                                                                   {0x8F, "EMPTY_SET"},
                                                                                   {0x90, "ADDITEMS"},
                                                                                   {0x91, "FROZENSET"},
                                                                                   {0x92, "NEWOBJ_EX"},
                                                                                   {0x96, "BYTEARRAY8"},
                                                                                   {0x97, "NEXT_BUFFER"},
                                                                                   {0x98, "READONLY_BUFFER"},
                                                                                   {'l', "LIST"},
                                                                                   {'d', "DICT"}}};

// The machine that pickles are programs for: a stack, marks on it, and a memory of values.
class Machine {
 public:
  Machine(std::span<const std::byte> bytes, std::span<const std::string_view> allowed, const std::string& source)
      : bytes_(bytes), allowed_(allowed), source_(source) {}

  Pickle run() {
    while (step(take<uint8_t>())) {
    }
    pickle_.root = pop();
    pickle_.size = at_;
    return std::move(pickle_);
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(ErrorKind::format, fmt::format("{}: {}", source_, why));
  }
  [[noreturn]] void damaged() const { refuse(fmt::format("the pickle is damaged near byte {}", at_)); }

  // ---- Reading ----

  std::span<const std::byte> take_bytes(uint64_t size) {
    if (size > bytes_.size() - at_) refuse("the pickle is truncated");
    return bytes_.subspan(std::exchange(at_, at_ + static_cast<size_t>(size)), static_cast<size_t>(size));
  }

  template <class T>
  T take() {
    T value;
    std::memcpy(&value, take_bytes(sizeof value).data(), sizeof value);
    return value;
  }

  std::string take_text(uint64_t size) {
    const auto bytes = take_bytes(size);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  std::string take_line() {
    const auto rest = bytes_.subspan(at_);
    const auto end = std::ranges::find(rest, std::byte{'\n'});
    if (end == rest.end()) refuse("the pickle is truncated");
    std::string line = take_text(static_cast<uint64_t>(end - rest.begin()));
    take_bytes(1);
    return line;
  }

  // ---- The stack ----

  PickleValue& value(uint32_t index) { return pickle_.values[index]; }

  bool push_index(uint32_t index) {
    stack_.push_back(index);
    return true;
  }
  bool push(PickleValue value) {
    if (pickle_.values.size() >= max_values) refuse(fmt::format("the pickle holds more than {} values", max_values));
    pickle_.values.push_back(std::move(value));
    return push_index(static_cast<uint32_t>(pickle_.values.size() - 1));
  }
  bool push_integer(int64_t integer) { return push({.kind = Kind::integer, .integer = integer}); }
  bool push_boolean(bool truth) { return push({.kind = Kind::boolean, .integer = truth ? 1 : 0}); }
  bool push_text(std::string text) { return push({.kind = Kind::text, .text = std::move(text)}); }
  bool push_items(Kind kind, std::vector<uint32_t> items) { return push({.kind = kind, .items = std::move(items)}); }

  // What a mark hides can be reached again only once the mark is taken away.
  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  uint32_t top() const {
    if (stack_.size() <= floor()) damaged();
    return stack_.back();
  }
  uint32_t pop() {
    const uint32_t index = top();
    stack_.pop_back();
    return index;
  }
  std::vector<uint32_t> pop_many(size_t count) {
    if (stack_.size() < floor() + count) damaged();
    std::vector<uint32_t> items(stack_.end() - static_cast<ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return items;
  }
  std::vector<uint32_t> pop_to_mark() {
    if (marks_.empty()) damaged();
    std::vector<uint32_t> items = pop_many(stack_.size() - marks_.back());
    marks_.pop_back();
    return items;
  }

  // ---- What opcodes do ----

  bool remember(uint32_t slot) {
    memory_[slot] = top();
    return true;
  }
  bool recall(uint32_t slot) {
    const auto place = memory_.find(slot);
    if (place == memory_.end()) damaged();
    return push_index(place->second);
  }

  bool extend(Kind kind, const std::vector<uint32_t>& items) {
    PickleValue& target = value(top());
    if (target.kind != kind || (kind == Kind::dict && items.size() % 2 != 0)) damaged();
    target.items.insert(target.items.end(), items.begin(), items.end());
    return true;
  }

  bool push_global(const std::string& module, const std::string& name) {
    std::string full = module + "." + name;
    if (full != ordered_dict && std::ranges::find(allowed_, full) == allowed_.end()) {
      refuse(
          fmt::format("the pickle refers to {}, which is not read: only tensors and plain values are (save a "
                      "network's state_dict() alone)",
                      quote_name(full)));
    }
    return push({.kind = Kind::global, .text = std::move(full)});
  }

  bool push_stacked_global() {
    const auto names = pop_many(2);
    const PickleValue& module = value(names[0]);
    const PickleValue& name = value(names[1]);
    if (module.kind != Kind::text || name.kind != Kind::text) damaged();
    return push_global(module.text, name.text);
  }

  // OrderedDict(), or of Python 2, OrderedDict([[key, value], ...]).
  bool push_ordered_dict(const PickleValue& arguments) {
    std::vector<uint32_t> items;
    if (!arguments.items.empty()) {
      const PickleValue& pairs = value(arguments.items[0]);
      if (arguments.items.size() != 1 || pairs.kind != Kind::sequence) damaged();
      for (const uint32_t index : pairs.items) {
        const PickleValue& pair = value(index);
        if (pair.kind != Kind::sequence || pair.items.size() != 2) damaged();
        items.insert(items.end(), pair.items.begin(), pair.items.end());
      }
      copied_ += items.size();
      if (copied_ > max_values) refuse(fmt::format("the pickle holds more than {} values", max_values));
    }
    return push_items(Kind::dict, std::move(items));
  }

  bool reduce() {
    const auto call = pop_many(2);
    if (value(call[0]).kind != Kind::global || value(call[1]).kind != Kind::sequence) damaged();
    if (value(call[0]).text == ordered_dict) return push_ordered_dict(value(call[1]));
    return push_items(Kind::call, call);
  }

  // Attributes, such as the _metadata that PyTorch hangs on the OrderedDict of a state dict.
  bool build() {
    pop();
    if (value(top()).kind != Kind::dict) refuse("the pickle sets the attributes of an object (opcode BUILD)");
    return true;
  }

  // Little-endian two's complement of any length.
  bool push_long(uint8_t size) {
    std::string digits = take_text(size);
    if (size > sizeof(int64_t)) return push({.kind = Kind::wide, .text = std::move(digits)});
    uint64_t integer = size > 0 && (digits.back() & 0x80) != 0 ? UINT64_MAX : 0;
    std::memcpy(&integer, digits.data(), digits.size());
    return push_integer(static_cast<int64_t>(integer));
  }

  // Big-endian, alone in the format.
  bool push_real() {
    auto bits = std::bit_cast<std::array<uint8_t, sizeof(double)>>(take<uint64_t>());
    std::ranges::reverse(bits);
    return push({.kind = Kind::real, .real = std::bit_cast<double>(bits)});
  }

  bool check_protocol(int protocol) {
    if (protocol > 5) refuse(fmt::format("pickle protocol {}; 2 to 5 are read", protocol));
    return true;
  }

  [[noreturn]] void refuse_opcode(uint8_t code) const {
    const auto known = std::ranges::find(refused_opcodes, code, &std::pair<uint8_t, std::string_view>::first);
    if (known == refused_opcodes.end()) refuse(fmt::format("byte {:#04x} is no opcode of a pickle", code));
    refuse(fmt::format("the pickle has the opcode {}, which is not read: tensors and plain values do not need it",
                       known->second));
  }

  // Carries out one opcode; false at the end.
  bool step(uint8_t code) {
    switch (code) {
      case 0x80:  // PROTO
        return check_protocol(take<uint8_t>());
      case 0x95:  // FRAME
        take<uint64_t>();
        return true;
      case '.':  // STOP
        return false;
      case '(':  // MARK
        marks_.push_back(stack_.size());
        return true;
      case '0':  // POP
        pop();
        return true;
      case '1':  // POP_MARK
        pop_to_mark();
        return true;
      case '2':  // DUP
        return push_index(top());
      case 'N':  // NONE
        return push({});
      case 0x88:  // NEWTRUE
        return push_boolean(true);
      case 0x89:  // NEWFALSE
        return push_boolean(false);
      case 'J':  // BININT
        return push_integer(take<int32_t>());
      case 'K':  // BININT1
        return push_integer(take<uint8_t>());
      case 'M':  // BININT2
        return push_integer(take<uint16_t>());
      case 0x8A:  // LONG1
        return push_long(take<uint8_t>());
      case 'G':  // BINFLOAT
        return push_real();
      case 'X':  // BINUNICODE
      case 'T':  // BINSTRING, Python 2
        return push_text(take_text(take<uint32_t>()));
      case 0x8C:  // SHORT_BINUNICODE
      case 'U':   // SHORT_BINSTRING, Python 2
        return push_text(take_text(take<uint8_t>()));
      case 0x8D:  // BINUNICODE8
        return push_text(take_text(take<uint64_t>()));
      default:
        return step_containers(code);
    }
  }

  bool step_containers(uint8_t code) {
    switch (code) {
      case ')':  // EMPTY_TUPLE
      case ']':  // EMPTY_LIST
        return push_items(Kind::sequence, {});
      case 't':  // TUPLE
        return push_items(Kind::sequence, pop_to_mark());
      case 0x85:  // TUPLE1
      case 0x86:  // TUPLE2
      case 0x87:  // TUPLE3
        return push_items(Kind::sequence, pop_many(code - 0x84U));
      case '}':  // EMPTY_DICT
        return push_items(Kind::dict, {});
      case 'a':  // APPEND
        return extend(Kind::sequence, pop_many(1));
      case 'e':  // APPENDS
        return extend(Kind::sequence, pop_to_mark());
      case 's':  // SETITEM
        return extend(Kind::dict, pop_many(2));
      case 'u':  // SETITEMS
        return extend(Kind::dict, pop_to_mark());
      case 'q':  // BINPUT
        return remember(take<uint8_t>());
      case 'r':  // LONG_BINPUT
        return remember(take<uint32_t>());
      case 0x94:  // MEMOIZE
        return remember(static_cast<uint32_t>(memory_.size()));
      case 'h':  // BINGET
        return recall(take<uint8_t>());
      case 'j':  // LONG_BINGET
        return recall(take<uint32_t>());
      case 'c': {  // GLOBAL
        const std::string module = take_line();
        return push_global(module, take_line());
      }
      case 0x93:  // STACK_GLOBAL
        return push_stacked_global();
      case 'R':  // REDUCE
        return reduce();
      case 'b':  // BUILD
        return build();
      case 'Q':  // BINPERSID
        return push_items(Kind::persistent, pop_many(1));
      default:
        refuse_opcode(code);
    }
  }

  std::span<const std::byte> bytes_;
  std::span<const std::string_view> allowed_;
  const std::string& source_;
  size_t at_ = 0;
  size_t copied_ = 0;  // items of sequences, which alone can be read twice
  Pickle pickle_{};
  std::vector<uint32_t> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint32_t, uint32_t> memory_;
};

}  // namespace

Pickle read_pickle(std::span<const std::byte> bytes, std::span<const std::string_view> allowed,
                   const std::string& source) {
  return Machine(bytes, allowed, source).run();
}

}  // namespace fovea
