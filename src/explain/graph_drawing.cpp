#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/units.h"
#include "explain/graph_boxes.h"
#include "explain/layered_layout.h"
#include "explain/svg.h"
#include "fovea/drawing.h"
#include "graph/option_words.h"

namespace fovea {

namespace {

constexpr double margin = 24;
constexpr double head = 64;  // title and legend
constexpr double line_height = 14;
constexpr double text_size = 10.5;
constexpr double padding = 6;
constexpr size_t longest_words = 40;

struct Look {
  const char* words;
  const char* fill;
  const char* stroke;
};

Look look_of(NodeKind kind) {
  switch (kind) {
    case NodeKind::input:
      return {"input", "#eeeeee", "#777777"};
    case NodeKind::weighted:
      return {"convolution, dense", "#d9e8f7", "#3f78b5"};
    case NodeKind::pool:
      return {"pool", "#dcf0dc", "#3d8b40"};
    case NodeKind::pointwise:
      return {"norm, activation, dropout", "#fbf3d0", "#a98f2c"};
    case NodeKind::sum:
      return {"sum, product", "#f9dada", "#bf3b3b"};
    case NodeKind::concatenation:
      return {"concatenation", "#e8def2", "#7a4fa3"};
    case NodeKind::other:
      return {"other", "#f3e3d3", "#a0672c"};
  }
  return {};
}

constexpr std::array kinds = {NodeKind::input, NodeKind::weighted,      NodeKind::pool, NodeKind::pointwise,
                              NodeKind::sum,   NodeKind::concatenation, NodeKind::other};

// The end of a long name says more than its beginning.
std::string shortened(const std::string& name) {
  return name.size() <= longest_words ? name : ".." + name.substr(name.size() - longest_words + 2);
}

// A coloured line of a box.
struct Stripe {
  NodeKind kind;
  std::string words;
};

// What a box says.
struct Card {
  std::string name;  // empty: it goes without
  std::vector<Stripe> stripes;
  std::string shape, parameters;

  double height() const { return (static_cast<double>(stripes.size()) + (name.empty() ? 1 : 2)) * line_height + 4; }
  double width() const {
    const double foot = Svg::text_width(shape, text_size) + Svg::text_width(parameters, text_size) + 12;
    double widest = std::max(foot, Svg::text_width(name, text_size) * 1.12);  // bold
    for (const Stripe& stripe : stripes) widest = std::max(widest, Svg::text_width(stripe.words, text_size));
    return widest + 2 * padding;
  }
};

Card describe(const Graph& graph, const GraphBox& box) {
  Card card;
  int64_t parameters = 0;
  for (const int index : box.nodes) {
    const Node& node = graph.node(index);
    parameters += graph.cost(index).parameters;
    const NodeKind kind = kind_of(graph, index);
    const std::string type = node.op ? std::string(node.op->type()) : "input";
    if (kind == NodeKind::pointwise && !card.stripes.empty() && card.stripes.back().kind == kind) {
      card.stripes.back().words += ", " + type;
      continue;
    }
    const std::string options = node.op && kind != NodeKind::pointwise ? option_words(node.op->attributes()) : "";
    card.stripes.push_back({kind, options.empty() ? type : fmt::format("{} {}", type, options)});
  }
  const Node& main = graph.node(box.main);
  const NodeKind kind = kind_of(graph, box.main);
  if (kind != NodeKind::sum && kind != NodeKind::concatenation) card.name = shortened(main.name);
  for (Stripe& stripe : card.stripes) {
    if (stripe.words.size() > longest_words + 14) stripe.words = stripe.words.substr(0, longest_words + 12) + "..";
  }
  card.shape = to_string(graph.node(box.nodes.back()).shape.without_batch());
  if (parameters > 0) card.parameters = with_unit(parameters);
  return card;
}

class Drawing {
 public:
  Drawing(const Graph& graph, const std::string& title) : graph_(graph), grouped_(group_nodes(graph)), svg_(0, 0) {
    for (const GraphBox& box : grouped_.boxes) cards_.push_back(describe(graph, box));
    find_edges();
    std::vector<LayoutBox> sizes;
    for (const Card& card : cards_) sizes.push_back({card.width(), card.height()});
    layout_ = lay_out(sizes, edges_);
    const double width = std::max(layout_.width + 2 * margin, 760.0);
    svg_ = Svg(width, layout_.height + head + margin);
    shift_ = {(width - layout_.width) / 2, head};
    svg_.text({width / 2, 26}, title, 17, Anchor::middle, "fill=\"#222\"");
    draw_legend(width);
  }

  std::string draw() && {
    for (size_t i = 0; i < edges_.size(); ++i) draw_edge(i);
    for (size_t i = 0; i < cards_.size(); ++i) draw_card(i);
    return std::move(svg_).finish();
  }

 private:
  void find_edges() {
    for (size_t i = 0; i < graph_.nodes().size(); ++i) {
      for (const int input : graph_.nodes()[i].inputs) {
        const int from = grouped_.box_of[static_cast<size_t>(input)];
        const int to = grouped_.box_of[i];
        if (from != to) edges_.push_back({from, to});
      }
    }
  }

  Point on_page(Point at) const { return {at.x + shift_.x, at.y + shift_.y}; }

  NodeKind kind(int box) const { return kind_of(graph_, grouped_.boxes[static_cast<size_t>(box)].main); }

  void draw_legend(double width) {
    double total = 0;
    for (const NodeKind k : kinds) total += Svg::text_width(look_of(k).words, 11) + 34;
    double x = (width - total) / 2;
    for (const NodeKind k : kinds) {
      const Look look = look_of(k);
      svg_.rectangle({x, 38}, 12, 12, fmt::format(R"(rx="2" fill="{}" stroke="{}")", look.fill, look.stroke));
      svg_.text({x + 17, 48}, look.words, 11, Anchor::start, "fill=\"#444\"");
      x += Svg::text_width(look.words, 11) + 34;
    }
  }

  void draw_edge(size_t index) {
    const std::vector<Point>& route = layout_.routes[index];
    std::string data;
    for (size_t k = 0; k < route.size(); ++k) {
      const Point to = on_page(route[k]);
      if (k == 0) {
        data = fmt::format("M{:.1f} {:.1f}", to.x, to.y);
        continue;
      }
      const Point from = on_page(route[k - 1]);
      const double middle = (from.y + to.y) / 2;
      // Bends between levels; straight through them and around columns.
      const bool bends = from.x != to.x && to.y > from.y && to.y - from.y < 200;
      data += bends
                  ? fmt::format(" C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}", from.x, middle, to.x, middle, to.x, to.y)
                  : fmt::format(" L{:.1f} {:.1f}", to.x, to.y);
    }
    const NodeKind target = kind(edges_[index].to);
    const bool joins = target == NodeKind::sum || target == NodeKind::concatenation;
    const char* const colour = joins ? look_of(target).stroke : "#777777";
    svg_.path(data, fmt::format(R"(fill="none" stroke="{}" stroke-width="1.3")", colour));
    const Point end = on_page(route.back());
    svg_.path(fmt::format("M{:.1f} {:.1f} l-3 -6 l6 0 z", end.x, end.y), fmt::format("fill=\"{}\"", colour));
  }

  void draw_card(size_t index) {
    const Card& card = cards_[index];
    const Point corner = on_page(layout_.corners[index]);
    const double width = card.width();
    const Look look = look_of(kind(static_cast<int>(index)));
    svg_.rectangle(corner, width, card.height(),
                   fmt::format(R"(rx="3" fill="#ffffff" stroke="{}" stroke-width="1.2")", look.stroke));
    double y = corner.y + 2;
    const double left = corner.x + padding;
    if (!card.name.empty()) {
      svg_.text({left, y + 10.5}, card.name, text_size, Anchor::start, R"(font-weight="bold" fill="#222")");
      y += line_height;
    }
    for (const Stripe& stripe : card.stripes) {
      svg_.rectangle({corner.x + 1, y}, width - 2, line_height, fmt::format("fill=\"{}\"", look_of(stripe.kind).fill));
      svg_.text({left, y + 10.5}, stripe.words, text_size, Anchor::start, "fill=\"#222\"");
      y += line_height;
    }
    svg_.text({left, y + 10.5}, card.shape, text_size, Anchor::start, "fill=\"#555\"");
    svg_.text({corner.x + width - padding, y + 10.5}, card.parameters, text_size, Anchor::end, "fill=\"#3f78b5\"");
  }

  const Graph& graph_;
  GraphBoxes grouped_;
  std::vector<Card> cards_;
  std::vector<LayoutEdge> edges_;
  Layout layout_;
  Point shift_;
  Svg svg_;
};

}  // namespace

std::string to_svg(const Graph& graph, const std::string& title) { return Drawing(graph, title).draw(); }

}  // namespace fovea
