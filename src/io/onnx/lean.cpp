// The wire format of protobuf (https://protobuf.dev/programming-guides/encoding): a message is a row of fields, each a
// key (number * 8 + type) and a value; of those with a length the message's own parts are messages again.
#include "io/onnx/lean.h"

#include <cstdint>

namespace fovea {

namespace {

using Bytes = std::span<const std::byte>;

constexpr size_t smallest = 4096;  // bytes of raw data that are worth it

// Numbers of fields in onnx.proto.
constexpr uint64_t model_graph = 7, graph_initializer = 5, tensor_raw_data = 9;

struct Field {
  uint64_t number = 0;
  bool has_length = false;
  Bytes all;    // with its key
  Bytes value;  // of one with a length
};

// Takes a varint from the front; false where there is none.
bool take_number(Bytes& bytes, uint64_t& number) {
  number = 0;
  for (unsigned i = 0; i < 10 && i < bytes.size(); ++i) {
    const auto byte = static_cast<uint64_t>(bytes[i]);
    number |= (byte & 127U) << (7 * i);
    if (byte < 128) {
      bytes = bytes.subspan(i + 1);
      return true;
    }
  }
  return false;
}

// Takes a field from the front; false where there is none.
bool take_field(Bytes& bytes, Field& field) {
  const Bytes start = bytes;
  uint64_t key = 0;
  uint64_t size = 0;
  if (!take_number(bytes, key)) return false;
  field = {.number = key / 8, .has_length = key % 8 == 2, .all = {}, .value = {}};
  switch (key % 8) {
    case 0:
      if (!take_number(bytes, size)) return false;
      size = 0;
      break;
    case 1:
      size = 8;
      break;
    case 2:
      if (!take_number(bytes, size)) return false;
      break;
    case 5:
      size = 4;
      break;
    default:
      return false;
  }
  if (size > bytes.size()) return false;
  if (field.has_length) field.value = bytes.first(size);
  bytes = bytes.subspan(size);
  field.all = start.first(start.size() - bytes.size());
  return true;
}

void append(std::string& out, Bytes bytes) { out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size()); }

void append_message(std::string& out, uint64_t number, const std::string& message) {
  const auto append_number = [&](uint64_t value) {
    for (; value > 127; value /= 128) out.push_back(static_cast<char>(value % 128 + 128));
    out.push_back(static_cast<char>(value));
  };
  append_number(number * 8 + 2);
  append_number(message.size());
  out += message;
}

bool copy_tensor(Bytes tensor, std::string& out, Bytes& raw) {
  for (Field field; !tensor.empty();) {
    if (!take_field(tensor, field)) return false;
    if (field.number == tensor_raw_data && field.value.size() >= smallest) {
      raw = field.value;
    } else {
      append(out, field.all);
    }
  }
  return true;
}

bool copy_graph(Bytes graph, LeanModel& model, std::string& out) {
  for (Field field; !graph.empty();) {
    if (!take_field(graph, field)) return false;
    if (field.number != graph_initializer || !field.has_length) {
      append(out, field.all);
      continue;
    }
    std::string tensor;
    if (!copy_tensor(field.value, tensor, model.raw.emplace_back())) return false;
    append_message(out, graph_initializer, tensor);
  }
  return true;
}

}  // namespace

std::optional<LeanModel> without_raw_data(Bytes bytes) {
  LeanModel model;
  for (Field field; !bytes.empty();) {
    if (!take_field(bytes, field)) return std::nullopt;
    if (field.number != model_graph || !field.has_length) {
      append(model.bytes, field.all);
      continue;
    }
    std::string graph;
    if (!copy_graph(field.value, model, graph)) return std::nullopt;
    append_message(model.bytes, model_graph, graph);
  }
  return model;
}

}  // namespace fovea
