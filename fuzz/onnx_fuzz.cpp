// Any bytes are either refused with an Error or become a network that can be written again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "fovea/error.h"
#include "fovea/onnx.h"

namespace {

constexpr int64_t most_elements = int64_t{1} << 20;  // so that a run takes moments

bool is_small(const fovea::Graph& graph) {
  for (const fovea::Node& node : graph.nodes()) {
    if (node.shape.elements() > most_elements) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    fovea::OnnxNetwork network = fovea::import_onnx(std::as_bytes(std::span(data, size)), "input");
    for (const fovea::OnnxPort& port : network.outputs) {
      if (port.node.empty() == (port.constant == nullptr)) std::abort();
    }
    if (network.model.graph().nodes().empty() || !is_small(network.model.graph())) return 0;
    fovea::export_onnx(network.model);
  } catch (const fovea::Error& error) {
    if (error.kind() == fovea::ErrorKind::data) std::abort();  // there is no file
  }
  return 0;
}
