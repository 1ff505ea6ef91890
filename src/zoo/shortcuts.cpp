// Residual networks whose shortcuts are not the identity: the variants that He et al. 2016b (figure 2, table 1) compare
// with it on CIFAR-10, of 110 layers as there and of 20 for a quick look. The identity itself is resnet20, resnet110.
// The gates' biases start at -6, where the paper's search (section 3.1) found the best results, after Srivastava et al.
// 2015 (highway networks): gates start closed, and shortcuts nearly the identity.
#include <algorithm>

#include "zoo/blocks.h"
#include "zoo/networks.h"
#include "zoo/resnet.h"

namespace fovea::zoo {

namespace {

// g = sigmoid(w x + b) for every pixel and channel
Value gate(const Scope& scope, Value x) { return sigmoid(conv(scope / "gate", x, {.filters = x.shape().back()})); }

// Figure 2b: 0.5 x + 0.5 F.
Value constant(const Scope& /*scope*/, Value x, Value branch) { return weighted_sum({x, branch}, {0.5, 0.5}); }

// Figure 2c: (1 - g) x + g F.
Value exclusive(const Scope& scope, Value x, Value branch) { return x + gate(scope, x) * (branch - x); }

// Figure 2d: (1 - g) x + F.
Value shortcut_only(const Scope& scope, Value x, Value branch) { return x - gate(scope, x) * x + branch; }

void close_gates(Model& model) {
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    if (model.graph().parameters()[i].name.ends_with("gate.bias"))
      std::ranges::fill(model.parameters()[i].values(), -6.0F);
  }
}

// Figure 2e.
Value convolved(const Scope& scope, Value x, Value branch) {
  return conv_norm(scope / "shortcut.0", scope / "shortcut.1", x, {.filters = x.shape().back()}) + branch;
}

// Figure 2f.
Value dropped(const Scope& /*scope*/, Value x, Value branch) { return dropout(x, 0.5) + branch; }

}  // namespace

std::vector<ZooEntry> shortcuts() {
  constexpr std::string_view source = "He et al. 2016b, identity mappings in deep residual networks, table 1";
  const auto row = [&](std::string_view name, int n, auto* join) {
    const ResNetConfig config = {.depths = {n, n, n}, .block = basic_block, .join = join};
    return starting({name, cifar_resnet(config), {32, 32, 3}, 10, Initializer::he_normal, 0.1, source}, close_gates);
  };
  return {row("resnet20_constant_shortcut", 3, constant),  row("resnet110_constant_shortcut", 18, constant),
          row("resnet20_exclusive_gate", 3, exclusive),    row("resnet110_exclusive_gate", 18, exclusive),
          row("resnet20_shortcut_gate", 3, shortcut_only), row("resnet110_shortcut_gate", 18, shortcut_only),
          row("resnet20_conv_shortcut", 3, convolved),     row("resnet110_conv_shortcut", 18, convolved),
          row("resnet20_dropout_shortcut", 3, dropped),    row("resnet110_dropout_shortcut", 18, dropped)};
}

}  // namespace fovea::zoo
