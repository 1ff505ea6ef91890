// torch.save's files. Since PyTorch 1.6 a zip archive NAME/: data.pkl, a pickle of the object in which each storage is
// a persistent id ('storage', type, key, location, elements), and data/KEY, its bytes. Before, one stream: pickles of a
// magic number, a version, facts on the machine, the object, and a list of keys; then, in the order of that list, each
// storage's number of elements (8 bytes) and bytes.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <set>
#include <utility>

#include "core/text.h"
#include "fovea/error.h"
#include "io/json.h"
#include "io/pickle.h"
#include "io/tensor_readers.h"
#include "io/torch_types.h"

namespace fovea {

namespace {

using Bytes = std::span<const std::byte>;
using Kind = PickleValue::Kind;

constexpr std::string_view magic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
constexpr int64_t version = 1001;
constexpr int max_depth = 64;
constexpr size_t max_visits = size_t{1} << 20;      // shared values can be reached in exponentially many ways
constexpr size_t max_name_bytes = size_t{1} << 26;  // of all names and texts together, for the same reason

// The globals that tensors need, beside the types of storages.
constexpr std::string_view rebuild_tensor = "torch._utils._rebuild_tensor";
constexpr std::string_view rebuild_tensor_v2 = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view rebuild_parameter = "torch._utils._rebuild_parameter";

Pickle read_torch_pickle(Bytes bytes, const std::string& source) {
  static const std::vector<std::string_view> allowed = [] {
    std::vector<std::string_view> names = {rebuild_tensor, rebuild_tensor_v2, rebuild_parameter};
    for (const auto& [name, dtype] : torch_storages) names.push_back(name);
    return names;
  }();
  return read_pickle(bytes, allowed, source);
}

[[noreturn]] void refuse(const std::string& source, const std::string& why) {
  throw Error(ErrorKind::format, fmt::format("{}: {}", source, why));
}

// What a persistent id says of a storage.
struct Storage {
  std::string key;
  DType dtype = DType::f32;
  uint64_t size = 0;         // elements of the whole
  uint64_t view_offset = 0;  // old files: the part of it that is meant
  uint64_t view_size = 0;
};

// The keys under which a checkpoint's weights are kept.
constexpr std::array<std::string_view, 5> weight_keys = {"state_dict", "model_state_dict", "model", "net", "params"};

// Access to a pickle's values by what they have to be.
class Reader {
 public:
  Reader(const Pickle& pickle, const std::string& source) : pickle_(pickle), source_(source) {}

  const PickleValue& operator[](uint32_t index) const { return pickle_[index]; }

  [[noreturn]] void damaged(const char* what) const {
    refuse(source_, fmt::format("{} is not as PyTorch writes it", what));
  }

  const PickleValue& expect(uint32_t index, Kind kind, const char* what) const {
    if (pickle_[index].kind != kind) damaged(what);
    return pickle_[index];
  }

  uint64_t count(uint32_t index, const char* what) const {
    const int64_t number = expect(index, Kind::integer, what).integer;
    if (number < 0) damaged(what);
    return static_cast<uint64_t>(number);
  }

  std::vector<int64_t> counts(uint32_t index, const char* what) const {
    std::vector<int64_t> numbers;
    for (const uint32_t item : expect(index, Kind::sequence, what).items) {
      numbers.push_back(static_cast<int64_t>(count(item, what)));
    }
    return numbers;
  }

  Storage storage(uint32_t index) const {
    constexpr const char* what = "a storage";
    const auto& items = expect(expect(index, Kind::persistent, what).items[0], Kind::sequence, what).items;
    if (items.size() < 5 || expect(items[0], Kind::text, what).text != "storage") damaged(what);
    const std::string& type = expect(items[1], Kind::global, what).text;
    const auto known = std::ranges::find(torch_storages, type, &std::pair<std::string_view, DType>::first);
    if (known == torch_storages.end()) damaged(what);
    Storage storage{.key = expect(items[2], Kind::text, what).text, .dtype = known->second};
    storage.size = storage.view_size = count(items[4], what);
    if (items.size() > 5 && pickle_[items[5]].kind == Kind::sequence) {  // view: key, offset, elements
      const auto& view = pickle_[items[5]].items;
      if (view.size() != 3) damaged(what);
      storage.view_offset = count(view[1], what);
      storage.view_size = count(view[2], what);
      if (storage.view_offset > storage.size || storage.view_size > storage.size - storage.view_offset) damaged(what);
    }
    return storage;
  }

 private:
  const Pickle& pickle_;
  const std::string& source_;
};

// The bytes of a whole storage; at least as many as its elements take.
using FindStorage = std::function<Bytes(const Storage&)>;

// Walks the pickled object and lists what it meets.
class Lister {
 public:
  Lister(const Pickle& pickle, FindStorage find_storage, TensorFile& file)
      : reader_(pickle, file.source), find_storage_(std::move(find_storage)), file_(file) {}

  void list(uint32_t root) {
    find_state_dict(root);
    walk(root, "");
  }

 private:
  void find_state_dict(uint32_t root) {
    const PickleValue& top = reader_[root];
    if (top.kind != Kind::dict) return;
    for (const std::string_view wanted : weight_keys) {
      for (size_t i = 0; i < top.items.size(); i += 2) {
        if (reader_[top.items[i + 1]].kind != Kind::dict || key(top.items[i]) != wanted) continue;
        file_.state_dict = fmt::format("{}.", wanted);
        return;
      }
    }
  }

  void walk(uint32_t index, const std::string& path, int depth = 0) {
    if (depth > max_depth) refuse(file_.source, fmt::format("dicts are nested deeper than {}", max_depth));
    name_bytes_ += path.size();
    if (++visits_ > max_visits || name_bytes_ > max_name_bytes)
      refuse(file_.source, "dicts share each other too often");
    const PickleValue& value = reader_[index];
    const auto child = [&](const std::string& name) { return path.empty() ? name : path + "." + name; };
    switch (value.kind) {
      case Kind::dict:
        for (size_t i = 0; i < value.items.size(); i += 2)
          walk(value.items[i + 1], child(key(value.items[i])), depth + 1);
        break;
      case Kind::sequence:
        for (size_t i = 0; i < value.items.size(); ++i) walk(value.items[i], child(fmt::format("{}", i)), depth + 1);
        break;
      case Kind::call:
        add(path.empty() ? "tensor" : path, value);
        break;
      case Kind::boolean:
        note(path, value.integer != 0 ? "true" : "false");
        break;
      case Kind::integer:
        note(path, fmt::format("{}", value.integer));
        break;
      case Kind::real:
        note(path, fmt::format("{}", value.real));
        break;
      case Kind::text:
        note(path, printable(value.text));
        break;
      default:
        break;
    }
  }

  std::string key(uint32_t index) const {
    const PickleValue& value = reader_[index];
    if (value.kind == Kind::text) return value.text;
    if (value.kind == Kind::integer) return fmt::format("{}", value.integer);
    reader_.damaged("a dict's key");
  }

  void note(const std::string& path, std::string text) {
    name_bytes_ += text.size();
    if (!path.empty()) file_.metadata.insert_or_assign(path, std::move(text));
  }

  // _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks), _rebuild_tensor(its first four),
  // _rebuild_parameter(tensor, requires_grad, hooks)
  void add(const std::string& name, const PickleValue& call) {
    constexpr const char* what = "a tensor";
    const std::string& function = reader_.expect(call.items[0], Kind::global, what).text;
    const auto& arguments = reader_.expect(call.items[1], Kind::sequence, what).items;
    if (function == rebuild_parameter) {
      if (arguments.empty()) reader_.damaged(what);
      const PickleValue& tensor = reader_.expect(arguments[0], Kind::call, what);
      if (reader_.expect(tensor.items[0], Kind::global, what).text == rebuild_parameter) reader_.damaged(what);
      return add(name, tensor);
    }
    if ((function != rebuild_tensor && function != rebuild_tensor_v2) || arguments.size() < 4) reader_.damaged(what);
    const Storage storage = reader_.storage(arguments[0]);
    const uint64_t offset = reader_.count(arguments[1], what);
    const std::vector<int64_t> extents = reader_.counts(arguments[2], what);
    const std::vector<int64_t> strides = reader_.counts(arguments[3], what);
    if (strides.size() != extents.size()) reader_.damaged(what);
    if (!names_.insert(name).second) refuse(file_.source, fmt::format("two tensors are called {}", quote_name(name)));
    const size_t item = item_size(storage.dtype);
    const Bytes bytes = find_storage_(storage).subspan(storage.view_offset * item, storage.view_size * item);
    try {
      file_.tensors.push_back(make_view(name, storage.dtype, bytes, offset, extents, strides));
    } catch (const Error& error) {
      refuse(file_.source, fmt::format("tensor {}: {}", quote_name(name), error.what()));
    }
  }

  Reader reader_;
  FindStorage find_storage_;
  TensorFile& file_;
  std::set<std::string> names_;
  size_t visits_ = 0;
  size_t name_bytes_ = 0;
};

uint64_t byte_size(const Storage& storage, Bytes available, const std::string& source) {
  if (storage.size > available.size() / item_size(storage.dtype)) {
    refuse(source, fmt::format("storage {} has {} elements of {}, but {} bytes", quote_name(storage.key), storage.size,
                               to_string(storage.dtype), available.size()));
  }
  return storage.size * item_size(storage.dtype);
}

// Where each storage of an old file lies, in the order of the list of keys that follows the object.
std::map<std::string, Bytes> locate_storages(const Pickle& object, Bytes rest, const std::string& source) {
  const Reader reader(object, source);
  std::map<std::string, Storage> storages;
  for (uint32_t i = 0; i < object.values.size(); ++i) {
    if (object[i].kind != Kind::persistent) continue;
    Storage storage = reader.storage(i);
    const auto [place, is_new] = storages.emplace(storage.key, storage);
    if (place->second.dtype != storage.dtype || place->second.size != storage.size) reader.damaged("a storage");
  }
  const Pickle keys = read_torch_pickle(rest, source);
  const Reader key_reader(keys, source);
  rest = rest.subspan(keys.size);
  std::map<std::string, Bytes> located;
  for (const uint32_t index : key_reader.expect(keys.root, Kind::sequence, "the list of storages").items) {
    const auto storage = storages.find(key_reader.expect(index, Kind::text, "the list of storages").text);
    if (storage == storages.end()) key_reader.damaged("the list of storages");
    uint64_t size = 0;
    if (rest.size() < sizeof size) refuse(source, "truncated: storages are missing");
    std::memcpy(&size, rest.data(), sizeof size);
    rest = rest.subspan(sizeof size);
    if (size != storage->second.size) key_reader.damaged("a storage");
    const uint64_t bytes = byte_size(storage->second, rest, source);
    located.emplace(storage->first, rest.first(bytes));
    rest = rest.subspan(bytes);
  }
  return located;
}

}  // namespace

TensorFile read_torch_zip(const ZipEntries& entries, const std::string& prefix, const std::string& source) {
  TensorFile file{.source = source, .format = "PyTorch", .tensors = {}};
  const auto content = [&](const ZipEntry& entry) { return zip_content(entry, source, file.memory); };
  if (const auto order = entries.find(prefix + "byteorder"); order != entries.end()) {
    const Bytes text = content(order->second);
    if (!std::ranges::equal(text, std::as_bytes(std::span(std::string_view("little"))))) {
      refuse(source, "the numbers are not little-endian");
    }
  }
  const Pickle object = read_torch_pickle(content(entries.find(prefix + "data.pkl")->second), source);
  std::map<std::string, Bytes> opened;
  const auto find_storage = [&](const Storage& storage) {
    auto place = opened.find(storage.key);
    if (place == opened.end()) {
      const auto entry = entries.find(fmt::format("{}data/{}", prefix, storage.key));
      if (entry == entries.end()) refuse(source, fmt::format("storage {} is missing", quote_name(storage.key)));
      place = opened.emplace(storage.key, content(entry->second)).first;
    }
    return place->second.first(byte_size(storage, place->second, source));
  };
  Lister(object, find_storage, file).list(object.root);
  return file;
}

TensorFile read_torch_legacy(Bytes bytes, const std::string& source) {
  const auto take_pickle = [&] {
    Pickle pickle = read_torch_pickle(bytes, source);
    bytes = bytes.subspan(pickle.size);
    return pickle;
  };
  const Pickle head = take_pickle();
  if (head[head.root].kind != Kind::wide || head[head.root].text != magic) {
    refuse(source, "a pickle, but not one of torch.save");
  }
  const Pickle number = take_pickle();
  if (Reader(number, source).count(number.root, "the version") != version) {
    refuse(source, fmt::format("version {} of the format; {} is read", number[number.root].integer, version));
  }
  take_pickle();  // facts on the machine; storages are little-endian on all
  const Pickle object = take_pickle();
  const std::map<std::string, Bytes> storages = locate_storages(object, bytes, source);
  TensorFile file{.source = source, .format = "PyTorch", .tensors = {}};
  const auto find_storage = [&](const Storage& storage) {
    const auto place = storages.find(storage.key);
    if (place == storages.end()) refuse(source, fmt::format("storage {} is missing", quote_name(storage.key)));
    return place->second;
  };
  Lister(object, find_storage, file).list(object.root);
  return file;
}

}  // namespace fovea
