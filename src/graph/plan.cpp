#include "graph/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "fovea/cpu.h"
#include "fovea/error.h"
#include "graph/fuse.h"
#include "graph/relu_backward.h"
#include "kernels/cpu/byte_weights.h"
#include "kernels/cpu/pointwise.h"

namespace fovea {

namespace {

// Of every node, with the batch.
std::vector<Shape> infer_shapes(const Graph& graph, int64_t batch) {
  std::vector<Shape> shapes;
  for (const Node& node : graph.nodes()) {
    if (!node.op) {
      shapes.push_back(node.shape.with_batch(batch));
      continue;
    }
    std::vector<Shape> inputs;
    for (const int input : node.inputs) inputs.push_back(shapes[static_cast<size_t>(input)]);
    try {
      shapes.push_back(node.op->infer(inputs));
    } catch (const Error& error) {
      throw Error(error.kind(), fmt::format("node '{}' ({}): {}", node.name, node.op->type(), error.what()));
    }
  }
  return shapes;
}

// The nodes whose value or gradient somebody asks for by name.
std::vector<bool> kept_nodes(const Graph& graph, const SessionOptions& options) {
  std::vector<bool> kept(graph.nodes().size());
  const auto keep = [&](int node) { kept[static_cast<size_t>(node)] = true; };
  keep(graph.output_node());
  if (!options.differentiate.empty()) keep(graph.find(options.differentiate));
  for (const std::string& name : options.keep) keep(graph.find(name));
  for (const std::string& name : options.gradients) keep(graph.find(name));
  return kept;
}

std::unordered_map<std::string_view, size_t> index_by_name(const std::vector<ParameterSpec>& specs) {
  std::unordered_map<std::string_view, size_t> index;
  for (size_t i = 0; i < specs.size(); ++i) index.emplace(specs[i].name, i);
  return index;
}

}  // namespace

Plan::Plan(Model& model_, const Graph& graph_, const SessionOptions& options_, bool fused)
    : model(model_), options(options_), original(graph_) {
  compile(fused);
  load_parameters();
}

Plan::Plan(std::unique_ptr<Model> taken, const SessionOptions& options_)
    : owned(std::move(taken)), model(*owned), options(options_), original(model.graph()) {
  if (options.training || !options.differentiate.empty()) {
    throw Error(ErrorKind::usage, "a session that a model is handed over to runs inference alone");
  }
  compile(true);
  load_parameters();
}

Plan::Plan(const Graph& graph_, const SessionOptions& options_)
    : owned(std::make_unique<Model>()), model(*owned), options(options_), original(graph_) {
  lay_out(true);
}

void Plan::compile(bool fused) {
  lay_out(fused);
  bind_parameters();
  arena = make_buffer(memory.floats);
  bind_addresses();
}

void Plan::lay_out(bool fused) {
  use_environment_instruction_set();
  if (options.batch < 1) throw Error(ErrorKind::usage, fmt::format("batch must be at least 1, got {}", options.batch));
  const std::vector<Shape> inferred = infer_shapes(original, options.batch);
  for (size_t i = 0; i < inferred.size(); ++i) shapes.emplace(original.nodes()[i].name, inferred[i]);
  // Fused inference has no gradients.
  const bool fusible = fused && !options.reference && options.relu_backward == ReluBackward::gradient &&
                       (options.training || options.differentiate.empty());
  graph = fusible ? fuse(original, inferred, kept_nodes(original, options), options.training) : original;

  output = graph.output_node();
  if (!options.differentiate.empty()) differentiated = graph.find(options.differentiate);
  kept.push_back(output);
  for (const std::string& name : options.keep) kept.push_back(graph.find(name));
  if (differentiated >= 0) kept.push_back(differentiated);
  for (const std::string& name : options.gradients) gradient_roots.push_back(graph.find(name));
  nodes.resize(graph.nodes().size());
  for (int i = 0; i < count(); ++i) at(i).shape = shapes.at(graph.node(i).name);
  share_identities();
  mark_needed();
  mark_gradients();
  if (!options.reference) find_bytes();
  if (fusible && differentiated < 0) find_slices();
  prepare_kernels();
  request_values();
  if (differentiated >= 0) request_gradients();
  memory = plan_memory(requests);
}

void Plan::bind_parameters() {
  const auto index = index_by_name(model.graph().parameters());
  for (const ParameterSpec& spec : graph.parameters()) {
    const auto found = index.find(spec.name);
    if (found == index.end() || !(model.parameters()[found->second].shape() == spec.shape)) {
      throw Error(ErrorKind::usage,
                  fmt::format("the model has no parameter '{}' of shape {}", spec.name, to_string(spec.shape)));
    }
    parameter_index.push_back(found->second);
  }
}

void Plan::share_identities() {
  for (int i = 0; i < count(); ++i) {
    const Node& node = graph.node(i);
    at(i).source = node.op && node.op->is_identity(options.training) ? at(node.inputs[0]).source : i;
  }
}

void Plan::mark_needed() {
  for (const int node : kept) at(node).needed = true;
  for (const int node : gradient_roots) at(node).needed = true;
  for (int i = count() - 1; i >= 0; --i) {
    if (!at(i).needed) continue;
    for (const int input : graph.node(i).inputs) at(input).needed = true;
  }
}

void Plan::mark_gradients() {
  if (differentiated < 0) return;
  // Downstream of a trained parameter or of a node whose gradient is wanted ...
  std::vector<bool> depends(nodes.size());
  for (int i = 0; i < count(); ++i) {
    const Node& node = graph.node(i);
    bool any = gradient_wanted(i);
    for (const int p : node.parameters) {
      any = any || (options.parameter_gradients && graph.parameters()[static_cast<size_t>(p)].trainable);
    }
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      any = any || (depends[static_cast<size_t>(node.inputs[k])] && node.op->differentiable(k));
    }
    depends[static_cast<size_t>(i)] = any;
  }
  // ... and upstream of what is differentiated.
  at(differentiated).has_gradient = true;
  for (int i = differentiated; i >= 0; --i) {
    if (!at(i).has_gradient) continue;
    for (size_t k = 0; k < graph.node(i).inputs.size(); ++k) {
      const int input = graph.node(i).inputs[k];
      if (depends[static_cast<size_t>(input)] && graph.node(i).op->differentiable(k)) at(input).has_gradient = true;
    }
  }
}

const ByteOp* Plan::byte_op(int node) {
  if (options.reference || !graph.node(node).op) return nullptr;
  const ByteOp* const op = as_byte_op(*graph.node(node).op);
  const auto is_bytes = [&](int input) { return at(input).bytes; };
  const bool used = op != nullptr && (!op->moves_bytes() || std::ranges::all_of(graph.node(node).inputs, is_bytes));
  return used ? op : nullptr;
}

// A value lies in memory as bytes when its kernel writes such, nobody asks for it, and all who read it read bytes.
void Plan::find_bytes() {
  const std::vector<bool> is_kept = kept_nodes(graph, options);
  const auto identity = [&](int i) { return at(i).source != i; };
  // All that could be, in order; then less those that somebody reads as floats, from the last to the first.
  for (int i = 0; i < count(); ++i) {
    const Node& node = graph.node(i);
    const ByteOp* const op = byte_op(i);
    at(i).bytes = identity(i) ? at(node.inputs[0]).bytes : op != nullptr && op->byte_output();
  }
  for (bool changed = true; changed;) {
    changed = false;
    const auto refuse = [&](int i) {
      changed = changed || at(i).bytes;
      at(i).bytes = false;
    };
    for (int i = count() - 1; i >= 0; --i) {
      if (is_kept[static_cast<size_t>(i)]) refuse(i);
      const Node& node = graph.node(i);
      const ByteOp* const op = identity(i) ? nullptr : byte_op(i);
      for (size_t k = 0; k < node.inputs.size(); ++k) {
        const bool reads = identity(i) ? at(i).bytes : op != nullptr && op->byte_input(k);
        if (!reads && at(i).needed) refuse(node.inputs[k]);
      }
      if (at(i).bytes && !identity(i) && op == nullptr) refuse(i);
      if (identity(i) && !at(node.inputs[0]).bytes) refuse(i);
    }
  }
}

// Of memory for its value.
size_t Plan::value_floats(int node) {
  const int64_t elements = at(node).shape.elements();
  return at(node).bytes ? cpu::floats_for_bytes(elements) : static_cast<size_t>(elements);
}

void Plan::find_slices() {
  std::vector<Shape> node_shapes;
  std::vector<int> sources;
  std::vector<bool> all_needed;
  for (const PlannedNode& node : nodes) {
    node_shapes.push_back(node.shape);
    sources.push_back(node.source);
    all_needed.push_back(node.needed);
  }
  // Slices are stored as the whole is, and as their kernels write them.
  std::vector<bool> whole = kept_nodes(graph, options);
  for (int i = 0; i < count(); ++i) {
    const ByteOp* const op = at(i).source == i ? byte_op(i) : nullptr;
    if (op != nullptr && op->byte_output() && !at(i).bytes) whole[static_cast<size_t>(i)] = true;
    if (!graph.node(i).op || !graph.node(i).op->joins_channels()) continue;
    for (const int input : graph.node(i).inputs) {
      if (at(input).bytes != at(i).bytes) whole[static_cast<size_t>(at(input).source)] = true;
    }
  }
  const std::vector<Slice> slices = fovea::find_slices(graph, node_shapes, sources, all_needed, whole);
  for (int i = 0; i < count(); ++i) at(i).slice = slices[static_cast<size_t>(i)];
}

std::unique_ptr<Kernel> Plan::prepare_kernel(int node, const Signature& signature, const PrepareOptions& prepare) {
  const Op& op = *graph.node(node).op;
  const ByteOp* const bytes = byte_op(node);
  if (bytes == nullptr) return op.prepare(signature, prepare);
  Storage storage{{}, at(node).bytes};
  for (const int input : graph.node(node).inputs) storage.inputs.push_back(at(input).bytes);
  return prepare_bytes_for(*bytes, storage, signature, prepare);
}

void Plan::prepare_kernels() {
  for (int i = 0; i < count(); ++i) {
    const Node& node = graph.node(i);
    PlannedNode& planned = at(i);
    if (!node.op || !planned.needed || planned.source != i) continue;
    Signature signature;
    PrepareOptions prepare;
    prepare.training = options.training;
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      const PlannedNode& input = at(node.inputs[k]);
      signature.inputs.push_back(input.shape);
      prepare.input_strides.push_back(home(node.inputs[k]).slice.channels);
      if (planned.has_gradient) prepare.input_gradients.push_back(input.has_gradient && node.op->differentiable(k));
    }
    signature.output = planned.shape;
    prepare.output_stride = planned.slice.channels;
    prepare.parameter_gradients = planned.has_gradient && options.parameter_gradients && !node.parameters.empty();
    try {
      planned.kernel =
          options.reference ? prepare_reference(*node.op, signature) : prepare_kernel(i, signature, prepare);
      if (planned.has_gradient && is_relu(*node.op)) {
        planned.kernel = with_relu_backward(std::move(planned.kernel), planned.shape, options.relu_backward);
      }
    } catch (const Error& error) {
      throw Error(error.kind(), fmt::format("node '{}' ({}): {}", node.name, node.op->type(), error.what()));
    }
  }
}

int Plan::request(size_t floats, int first, int last) {
  if (floats == 0) return no_buffer;
  requests.push_back({floats, first, last});
  return static_cast<int>(requests.size()) - 1;
}

// Values live from their forward step to their last reader, forward or backward.
void Plan::request_values() {
  std::vector<int> last_use(nodes.size(), 0);
  const auto use = [&](int node, int time) {
    int& last = last_use[static_cast<size_t>(at(node).source)];
    last = std::max(last, time);
  };
  for (int i = 0; i < count(); ++i) {
    const Node& node = graph.node(i);
    use(i, forward_time(i));
    if (!node.op || !at(i).kernel) continue;
    const BackwardReads reads = node.op->backward_reads();
    const bool backward = at(i).has_gradient;
    for (const int input : node.inputs) use(input, backward && reads.inputs ? backward_time(i) : forward_time(i));
    if (backward && reads.output) use(i, backward_time(i));
  }
  for (const int node : kept) use(node, end_of_time());
  for (const int node : graph.inputs()) use(node, end_of_time());

  share_wider_values(last_use);
  for (int i = 0; i < count(); ++i) {
    PlannedNode& planned = at(i);
    const Node& node = graph.node(i);
    const int last = last_use[static_cast<size_t>(i)];
    if (!node.op) {
      planned.value = request(value_floats(i), 0, last);  // inputs are filled before the step begins
    } else if (planned.kernel) {
      const int now = forward_time(i);
      if (planned.value == no_buffer) planned.value = request_value(i, last);
      planned.saved = request(planned.kernel->saved_size(), now, planned.has_gradient ? backward_time(i) : now);
      planned.scratch_forward = request(planned.kernel->scratch_size(), now, now);
    }
  }
}

// Memory of its own, or that of an input which dies here.
int Plan::request_value(int node, int last) {
  const int now = forward_time(node);
  const std::vector<int>& inputs = graph.node(node).inputs;
  const std::optional<size_t> shared = graph.node(node).op->in_place_input();
  if (shared && !home(inputs[*shared]).slice && at(inputs[*shared]).bytes == at(node).bytes) {
    const int value = home(inputs[*shared]).value;
    const auto is_shared = [&](int input) { return home(input).value == value; };
    BufferRequest& memory_of_input = requests[static_cast<size_t>(value)];
    // Free from now on, and not another input's too.
    if (memory_of_input.last == now && std::ranges::count_if(inputs, is_shared) == 1) {
      memory_of_input.last = last;
      return value;
    }
  }
  return request(value_floats(node), now, last);
}

// A value with slices lives from the first one's step to the last reader of any.
void Plan::share_wider_values(const std::vector<int>& last_use) {
  for (int i = 0; i < count(); ++i) {
    PlannedNode& planned = at(i);
    if (!planned.slice || !planned.kernel) continue;
    PlannedNode& whole = at(planned.slice.of);
    const int last = last_use[static_cast<size_t>(i)];
    if (whole.value == no_buffer) {
      whole.value =
          request(value_floats(planned.slice.of), forward_time(i), last_use[static_cast<size_t>(planned.slice.of)]);
    }
    BufferRequest& shared = requests[static_cast<size_t>(whole.value)];
    shared.last = std::max(shared.last, last);
    planned.value = whole.value;
  }
}

// Gradients are born at their value's last reader (the first to run backward) and die at the value's own node.
void Plan::request_gradients() {
  const auto open = [&](int node, int time) {
    PlannedNode& planned = home(node);
    const bool keep = gradient_wanted(node) || node == differentiated;
    if (planned.gradient == no_buffer) {
      planned.gradient = request(static_cast<size_t>(planned.shape.elements()), time, backward_time(planned.source));
    }
    if (keep) requests[static_cast<size_t>(planned.gradient)].last = end_of_time();
  };
  open(differentiated, count());
  for (int i = differentiated; i >= 0; --i) {
    PlannedNode& planned = at(i);
    if (!planned.kernel || !planned.has_gradient) continue;
    const Node& node = graph.node(i);
    const int now = backward_time(i);
    planned.scratch_backward = request(planned.kernel->scratch_size(), now, now);
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      PlannedNode& input = home(node.inputs[k]);
      const bool wanted = at(node.inputs[k]).has_gradient && node.op->differentiable(k);
      const bool add = wanted && input.gradient != no_buffer;
      planned.add_gradient.push_back(add);
      if (!wanted) {
        planned.input_gradients.push_back(no_buffer);
      } else if (add) {
        planned.input_gradients.push_back(request(static_cast<size_t>(input.shape.elements()), now, now));
      } else {
        BufferRequest& own = requests[static_cast<size_t>(planned.gradient)];
        if (node.op->in_place_input() == k && own.last == now) {
          own.last = backward_time(input.source);
          input.gradient = planned.gradient;
        } else {
          open(node.inputs[k], now);
        }
        if (gradient_wanted(node.inputs[k])) requests[static_cast<size_t>(input.gradient)].last = end_of_time();
        planned.input_gradients.push_back(input.gradient);
      }
    }
  }
}

void Plan::bind_addresses() {
  if (options.parameter_gradients && differentiated >= 0) {
    parameter_gradients.resize(model.parameters().size());
  }
  for (int i = 0; i < count(); ++i) {
    const Node& node = graph.node(i);
    PlannedNode& planned = at(i);
    if (!planned.kernel) continue;
    for (const int input : node.inputs) planned.inputs.push_back(value_address(input));
    for (const int p : node.parameters) {
      const size_t model_index = parameter_index[static_cast<size_t>(p)];
      planned.parameters.push_back(model.parameters()[model_index].data());
      float* gradient = nullptr;
      if (options.parameter_gradients && planned.has_gradient && graph.parameters()[static_cast<size_t>(p)].trainable) {
        Tensor& tensor = parameter_gradients[model_index];
        if (tensor.empty()) tensor = Tensor(graph.parameters()[static_cast<size_t>(p)].shape);
        gradient = tensor.data();
      }
      planned.parameter_gradients.push_back(gradient);
    }
    for (const int buffer : planned.input_gradients) planned.input_gradient_pointers.push_back(address(buffer));

    Step<float>& step = planned.forward_step;
    step.inputs = planned.inputs;
    step.output = value_address(i);
    step.parameters = planned.parameters;
    step.saved = address(planned.saved);
    step.scratch = address(planned.scratch_forward);
    step.training = options.training;
    planned.backward_step = step;
    planned.backward_step.scratch = address(planned.scratch_backward);
    planned.backward_step.output_gradient = address(planned.gradient);
    planned.backward_step.input_gradients = planned.input_gradient_pointers;
    planned.backward_step.parameter_gradients = planned.parameter_gradients;
  }
}

float* Plan::address(int buffer) {
  return buffer == no_buffer ? nullptr : arena.data() + memory.offsets[static_cast<size_t>(buffer)];
}

float* Plan::value_address(int node) {
  const PlannedNode& planned = home(node);
  if (planned.value == no_buffer) return nullptr;
  float* const value = address(planned.value);
  if (!planned.bytes) return value + planned.slice.channel;
  return reinterpret_cast<float*>(reinterpret_cast<uint8_t*>(value) + planned.slice.channel);
}

std::span<float> Plan::value_span(int node) {
  return {value_address(node), static_cast<size_t>(at(node).shape.elements())};
}

std::span<float> Plan::gradient_span(int node) {
  float* const gradient = address(home(node).gradient);
  if (gradient == nullptr) {
    throw Error(ErrorKind::usage, fmt::format("'{}' does not depend on '{}': it has no gradient",
                                              graph.node(differentiated).name, graph.node(node).name));
  }
  return {gradient, static_cast<size_t>(at(node).shape.elements())};
}

void Plan::load_parameters() {
  Tensor spare;
  for (int i = 0; i < count(); ++i) {
    PlannedNode& node = at(i);
    if (!node.kernel || node.parameters.empty()) continue;
    const std::vector<const float*> pointers(node.parameters.begin(), node.parameters.end());
    node.kernel->load(pointers, spare);
    if (owned && node.kernel->copies_weight()) free_weight(i);
  }
}

// Every parameter belongs to one node.
void Plan::free_weight(int node) {
  const auto first = static_cast<size_t>(graph.node(node).parameters[0]);
  model.parameters()[parameter_index[first]] = Tensor();
  at(node).parameters[0] = nullptr;
}

void Plan::forward_node(PlannedNode& node) {
  // A stream of its own for every node and step.
  const auto index = static_cast<uint64_t>(&node - nodes.data());
  node.forward_step.random = Random(options.seed, (step_number << 20U) | index);
  node.backward_step.random = node.forward_step.random;
  node.kernel->forward(node.forward_step);
}

void Plan::backward() {
  for (int i = differentiated; i >= 0; --i) {
    if (at(i).gives_gradients()) backward_node(i);
  }
}

void Plan::backward_node(int i) {
  PlannedNode& node = at(i);
  node.kernel->backward(node.backward_step);
  for (size_t k = 0; k < node.add_gradient.size(); ++k) {
    if (!node.add_gradient[k]) continue;
    const std::span<float> sum = gradient_span(graph.node(i).inputs[k]);
    cpu::accumulate(static_cast<int64_t>(sum.size()), node.input_gradient_pointers[k], sum.data());
  }
}

}  // namespace fovea
