// To add a layer to the text form: its function and its row of the table below, and a row of docs/text-form.md.
#include "fovea/text_form.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

#include "core/suggest.h"
#include "fovea/error.h"
#include "fovea/ops.h"
#include "zoo/text_reader.h"

namespace fovea {

namespace {

// What a layer's function works with: the words after the layer's own, and names for nodes.
struct Context {
  TextReader reader;
  std::map<std::string, int> named{};

  Scope name(Value x, const std::string& base) { return Scope(x.graph()) / fmt::format("{}{}", base, ++named[base]); }
};

std::vector<TextReader::Option> conv_options(TextReader& reader, ConvOptions& options) {
  return {{"stride", [&] { options.stride = reader.extents("the stride"); }},
          {"pad", [&] { options.padding = reader.padding(); }},
          {"dilation", [&] { options.dilation = reader.extents("the dilation"); }},
          {"nobias", [&] { options.bias = false; }}};
}

Value conv_layer(Context& context, Value x) {
  TextReader& reader = context.reader;
  ConvOptions options;
  options.filters = reader.whole("the number of filters");
  options.kernel = reader.extents("the kernel");
  auto known = conv_options(reader, options);
  known.emplace_back("groups", [&] { options.groups = reader.whole("the number of groups"); });
  reader.options(known);
  return conv(context.name(x, "conv"), x, options);
}

Value depthwise_layer(Context& context, Value x) {
  TextReader& reader = context.reader;
  ConvOptions options;
  options.filters = options.groups = x.shape().back();
  options.kernel = reader.extents("the kernel");
  reader.options(conv_options(reader, options));
  return conv(context.name(x, "conv"), x, options);
}

Value separable_layer(Context& context, Value x) {
  TextReader& reader = context.reader;
  ConvOptions options;
  options.filters = reader.whole("the number of filters");
  options.kernel = reader.extents("the kernel");
  reader.options(conv_options(reader, options));
  return separable_conv(context.name(x, "separable"), x, options);
}

Value conv_transpose_layer(Context& context, Value x) {
  TextReader& reader = context.reader;
  ConvTransposeOptions options;
  options.filters = reader.whole("the number of filters");
  options.kernel = reader.extents("the kernel");
  reader.options({{"stride", [&] { options.stride = reader.extents("the stride"); }},
                  {"pad", [&] { options.padding = reader.padding(); }},
                  {"outpad", [&] { options.output_padding = reader.extents("the output padding", 0); }},
                  {"dilation", [&] { options.dilation = reader.extents("the dilation"); }},
                  {"groups", [&] { options.groups = reader.whole("the number of groups"); }},
                  {"nobias", [&] { options.bias = false; }}});
  return conv_transpose(context.name(x, "convt"), x, options);
}

template <Value (*pool)(const Scope&, Value, const PoolOptions&)>
Value pool_layer(Context& context, Value x) {
  TextReader& reader = context.reader;
  PoolOptions options;
  options.kernel = reader.extents("the kernel");
  reader.options({{"stride", [&] { options.stride = reader.extents("the stride"); }},
                  {"pad", [&] { options.padding = reader.padding(); }},
                  {"ceil", [&] { options.ceil_mode = true; }}});
  return pool(context.name(x, "pool"), x, options);
}

Value dense_layer(Context& context, Value x) {
  const int64_t units = context.reader.whole("the number of units");
  bool bias = true;
  context.reader.options({{"nobias", [&] { bias = false; }}});
  const Scope name = context.name(x, "fc");
  if (x.shape().rank() != 2) {  // the op would take every position for itself
    throw Error(ErrorKind::format, fmt::format("node '{}' (dense): expects one vector, got {}: flatten comes first",
                                               name.path(), to_string(x.shape().without_batch())));
  }
  return dense(name, x, units, bias);
}

Value batch_norm_layer(Context& context, Value x) { return batch_norm(context.name(x, "bn"), x); }

template <Value (*function)(Value, double)>
Value dropout_layer(Context& context, Value x) {
  const size_t place = context.reader.place();
  const double rate = context.reader.number("the rate");
  if (rate < 0 || rate >= 1) context.reader.fail(place, "expected a rate of at least 0 and below 1");
  return function(x, rate);
}

Value group_norm_layer(Context& context, Value x) {
  const int64_t groups = context.reader.whole("the number of groups");
  return group_norm(context.name(x, "gn"), x, {.groups = groups});
}

Value instance_norm_layer(Context& context, Value x) { return instance_norm(context.name(x, "in"), x); }

Value layer_norm_layer(Context& context, Value x) { return layer_norm(context.name(x, "ln"), x); }

Value local_response_norm_layer(Context& context, Value x) {
  TextReader& reader = context.reader;
  LocalResponseNormOptions options;
  options.size = reader.whole("the number of channels");
  reader.options({{"alpha", [&] { options.alpha = reader.number("alpha"); }},
                  {"beta", [&] { options.beta = reader.number("beta"); }},
                  {"k", [&] { options.k = reader.number("k"); }}});
  return local_response_norm(x, options);
}

Value prelu_layer(Context& context, Value x) { return prelu(context.name(x, "prelu"), x); }

Value maxout_layer(Context& context, Value x) { return maxout(x, context.reader.whole("the number of pieces")); }

// All spatial axes.
Value pad_layer(Context& context, Value x) {
  const size_t place = context.reader.place();
  const Extents widths = context.reader.extents("the padding", 0);
  PadMode mode = PadMode::constant;
  context.reader.options({{"reflect", [&] { mode = PadMode::reflect; }}, {"edge", [&] { mode = PadMode::edge; }}});
  const int axes = x.shape().rank() - 2;
  if (axes < 1 || !widths.serves(axes)) context.reader.fail(place, "expected one width for each spatial axis, or one");
  std::vector<AxisPadding> sides;
  for (int axis = 0; axis < axes; ++axis) sides.push_back({axis + 1, widths[axis], widths[axis]});
  return pad(x, sides, mode);
}

Value upsample_layer(Context& context, Value x) {
  ResizeOptions options{.scale = {static_cast<double>(context.reader.whole("the factor"))}};
  context.reader.options({{"bilinear", [&] { options.method = Interpolation::linear; }},
                          {"bicubic", [&] { options.method = Interpolation::cubic; }}});
  return resize(x, options);
}

template <Value (*function)(Value, int64_t, bool)>
Value block_layer(Context& context, Value x) {
  return function(x, context.reader.whole("the block"), false);
}

// Layers with one number that may be left out.
template <Value (*activation)(Value, double)>
Value alpha_layer(Context& context, Value x, double usual) {
  return activation(x, context.reader.at_layer_end() ? usual : context.reader.number("alpha"));
}
Value leaky_relu_layer(Context& context, Value x) { return alpha_layer<leaky_relu>(context, x, 0.01); }
Value elu_layer(Context& context, Value x) { return alpha_layer<elu>(context, x, 1.0); }

// Layers without options.
template <Value (*function)(Value)>
Value plain_layer(Context&, Value x) {
  return function(x);
}

struct Layer {
  std::string_view word;
  std::string_view usage;
  Value (*build)(Context& context, Value x);
};

constexpr std::string_view conv_usage =
    "conv FILTERS KERNEL [stride N] [pad N|same|valid] [dilation N] [groups N] [nobias]";
constexpr std::string_view convt_usage =
    "convt FILTERS KERNEL [stride N] [pad N] [outpad N] [dilation N] [groups N] [nobias]";
constexpr std::string_view separable_usage =
    "separable FILTERS KERNEL [stride N] [pad N|same|valid] [dilation N] [nobias]";
constexpr std::string_view depthwise_usage = "depthwise KERNEL [stride N] [pad N|same|valid] [dilation N] [nobias]";

constexpr std::array layers = {
    Layer{"avgpool", "avgpool KERNEL [stride N] [pad N|same|valid] [ceil]", pool_layer<avg_pool>},
    Layer{"batchnorm", "batchnorm", batch_norm_layer},
    Layer{"bn", "bn", batch_norm_layer},
    Layer{"conv", conv_usage, conv_layer},
    Layer{"convt", convt_usage, conv_transpose_layer},
    Layer{"dense", "dense UNITS [nobias]", dense_layer},
    Layer{"depthwise", depthwise_usage, depthwise_layer},
    Layer{"depthtospace", "depthtospace BLOCK", block_layer<depth_to_space>},
    Layer{"dropout", "dropout RATE", dropout_layer<dropout>},
    Layer{"elu", "elu [ALPHA]", elu_layer},
    Layer{"fc", "fc UNITS [nobias]", dense_layer},
    Layer{"flatten", "flatten", plain_layer<flatten>},
    Layer{"gap", "gap", plain_layer<global_avg_pool>},
    Layer{"gelu", "gelu", plain_layer<gelu>},
    Layer{"globalavgpool", "globalavgpool", plain_layer<global_avg_pool>},
    Layer{"globalmaxpool", "globalmaxpool", plain_layer<global_max_pool>},
    Layer{"groupnorm", "groupnorm GROUPS", group_norm_layer},
    Layer{"hardsigmoid", "hardsigmoid", plain_layer<hard_sigmoid>},
    Layer{"hardswish", "hardswish", plain_layer<hard_swish>},
    Layer{"instancenorm", "instancenorm", instance_norm_layer},
    Layer{"layernorm", "layernorm", layer_norm_layer},
    Layer{"leakyrelu", "leakyrelu [ALPHA]", leaky_relu_layer},
    Layer{"logsoftmax", "logsoftmax", plain_layer<log_softmax>},
    Layer{"lrn", "lrn SIZE [alpha X] [beta X] [k X]", local_response_norm_layer},
    Layer{"maxout", "maxout PIECES", maxout_layer},
    Layer{"maxpool", "maxpool KERNEL [stride N] [pad N|same|valid] [ceil]", pool_layer<max_pool>},
    Layer{"mish", "mish", plain_layer<mish>},
    Layer{"pad", "pad N [reflect|edge]", pad_layer},
    Layer{"prelu", "prelu", prelu_layer},
    Layer{"relu", "relu", plain_layer<relu>},
    Layer{"relu6", "relu6", plain_layer<relu6>},
    Layer{"selu", "selu", plain_layer<selu>},
    Layer{"separable", separable_usage, separable_layer},
    Layer{"sigmoid", "sigmoid", plain_layer<sigmoid>},
    Layer{"silu", "silu", plain_layer<silu>},
    Layer{"softmax", "softmax", plain_layer<softmax>},
    Layer{"softplus", "softplus", plain_layer<softplus>},
    Layer{"spacetodepth", "spacetodepth BLOCK", block_layer<space_to_depth>},
    Layer{"spatialdropout", "spatialdropout RATE", dropout_layer<spatial_dropout>},
    Layer{"stochasticdepth", "stochasticdepth RATE", dropout_layer<stochastic_depth>},
    Layer{"tanh", "tanh", plain_layer<tanh>},
    Layer{"upsample", "upsample FACTOR [bilinear|bicubic]", upsample_layer},
};

std::string known_layers() {
  std::string words = "residual(...), 3 x (...)";
  for (const Layer& layer : layers) words = fmt::format("{}, {}", words, layer.word);
  return words;
}

std::string suggestion(std::string_view word) {
  std::vector<std::string> words = {"residual"};
  for (const Layer& layer : layers) words.emplace_back(layer.word);
  const std::string nearest = did_you_mean(word, words);
  return nearest.empty() ? fmt::format("; there are {}", known_layers()) : nearest;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : context_{TextReader(text)}, reader_(context_.reader) {}

  Value parse(Value x) {
    x = sequence(x);
    if (!reader_.at_end()) reader_.fail("this parenthesis was never opened");
    return x;
  }

 private:
  // Layers, up to a closing parenthesis or the end.
  Value sequence(Value x) {
    reader_.accept_lines();
    while (true) {
      x = item(x);
      const bool new_line = reader_.accept_lines();
      if (reader_.at_end() || reader_.peek() == ")") return x;
      if (!reader_.accept(",") && !new_line) reader_.fail("expected ',' before the next layer");
      reader_.accept_lines();
    }
  }

  Value item(Value x) {
    const std::string word = normalized(reader_.peek());
    if (!word.empty() && word.front() >= '0' && word.front() <= '9') return repetition(x);
    return word == "residual" ? residual(x) : layer(x);
  }

  Value repetition(Value x) {
    reader_.set_usage("N x (LAYER, LAYER ...)");
    const int64_t times = reader_.times();
    const size_t start = reader_.place();
    for (int64_t i = 0; i < times; ++i) {
      reader_.go_to(start);
      x = group(x);
    }
    return x;
  }

  // x + layers(x)
  Value residual(Value x) {
    const size_t start = reader_.place();
    reader_.set_usage("residual(LAYER, LAYER ...)");
    reader_.take();
    const Value y = group(x);
    if (y.shape() != x.shape()) {
      throw Error(ErrorKind::format, fmt::format("{}the layers inside must keep the shape {}, they make it {}",
                                                 reader_.position(start), to_string(x.shape()), to_string(y.shape())));
    }
    count_layer(start);
    return y + x;
  }

  Value group(Value x) {
    const size_t start = reader_.place();
    if (!reader_.accept("(")) reader_.fail("expected '('");
    reader_.set_usage({});
    if (++depth_ > TextFormLimits::depth) {
      reader_.fail(start, fmt::format("parentheses go deeper than {}", TextFormLimits::depth));
    }
    x = sequence(x);
    if (!reader_.accept(")")) reader_.fail(start, "this parenthesis is never closed");
    --depth_;
    return x;
  }

  Value layer(Value x) {
    const size_t start = reader_.place();
    if (reader_.at_layer_end() || reader_.peek() == "(") reader_.fail("expected a layer");
    const std::string word = normalized(reader_.peek());
    const auto* const known = std::ranges::find(layers, word, &Layer::word);
    if (known == layers.end()) reader_.fail(fmt::format("unknown layer{}", suggestion(word)));
    count_layer(start);
    reader_.set_usage(known->usage);
    reader_.take();
    try {
      x = known->build(context_, x);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::format) throw;  // what the reader found already has its position
      throw Error(error.kind(), reader_.position(start) + error.what());
    }
    if (!reader_.at_layer_end()) reader_.fail("expected ',' before the next layer");
    reader_.set_usage({});
    return x;
  }

  void count_layer(size_t place) {
    if (++layers_ > TextFormLimits::layers) {
      reader_.fail(place, fmt::format("the network has more than {} layers", TextFormLimits::layers));
    }
  }

  Context context_;
  TextReader& reader_;
  int depth_ = 0;
  int layers_ = 0;
};

}  // namespace

Graph graph_from_text(std::string_view text, const Shape& input) {
  if (text.size() > TextFormLimits::bytes) {
    throw Error(ErrorKind::usage,
                fmt::format("a network's text may have {} bytes, this one has {}", TextFormLimits::bytes, text.size()));
  }
  Graph graph;
  const Value x = graph.input("input", input);
  graph.set_output(Parser(text).parse(x));
  return graph;
}

bool is_text_form(std::string_view model) { return model.find_first_of(" \t\n,()") != std::string_view::npos; }

}  // namespace fovea
