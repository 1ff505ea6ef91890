// Text forms of networks: any bytes must end in a graph that can be summarised, or in an Error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fovea/error.h"
#include "fovea/summary.h"
#include "fovea/text_form.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const fovea::Graph graph =
        fovea::graph_from_text({reinterpret_cast<const char*>(data), size}, fovea::Shape{32, 32, 4});
    const fovea::Summary summary = fovea::summarize(graph);
    fovea::format_table(summary);
    fovea::to_json(summary);
  } catch (const fovea::Error&) {  // NOLINT(bugprone-empty-catch): the only exception there may be
  }
  return 0;
}
