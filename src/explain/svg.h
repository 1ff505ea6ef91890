#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

#include "core/text.h"

// Pictures as SVG 1.1 text.
namespace fovea {

struct Point {
  double x = 0, y = 0;
};

// Where a text stands beside its point.
enum class Anchor { start, middle, end };

class Svg {
 public:
  Svg(double width, double height) : width_(width), height_(height) {}

  // `style` is more attributes: fill="none" stroke="#888".
  void rectangle(Point corner, double width, double height, std::string_view style) {
    body_ += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" {}/>\n", corner.x,
                         corner.y, width, height, style);
  }
  void circle(Point centre, double radius, std::string_view style) {
    body_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.2f}\" {}/>\n", centre.x, centre.y, radius, style);
  }
  void line(Point a, Point b, std::string_view style) {
    body_ +=
        fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", a.x, a.y, b.x, b.y, style);
  }
  // `data` is a path's: M 1 2 L 3 4.
  void path(std::string_view data, std::string_view style) {
    body_ += fmt::format("<path d=\"{}\" {}/>\n", data, style);
  }
  void text(Point at, std::string_view words, double size, Anchor anchor, std::string_view style = "") {
    constexpr const char* anchors[] = {"start", "middle", "end"};
    body_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{:.1f}\" text-anchor=\"{}\" {}>{}</text>\n", at.x,
                         at.y, size, anchors[static_cast<int>(anchor)], style, escaped(words));
  }
  // `address` is that of a picture, which fills the box as far as its shape allows, its pixels kept square.
  void image(Point corner, double width, double height, std::string_view address) {
    body_ += fmt::format(
        "<image x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" style=\"image-rendering:pixelated\" "
        "href=\"{}\"/>\n",
        corner.x, corner.y, width, height, address);
  }
  // What a browser shows when the pointer rests on what `draw` adds.
  template <class Draw>
  void with_tooltip(std::string_view words, const Draw& draw) {
    body_ += fmt::format("<g><title>{}</title>\n", escaped(words));
    draw();
    body_ += "</g>\n";
  }

  std::string finish() && {
    return fmt::format(
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} "
               "{1:.0f}\" font-family=\"Helvetica, Arial, sans-serif\">\n"
               "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
               width_, height_) +
           std::move(body_) + "</svg>\n";
  }

  // Of a text in that size, roughly: renderers choose the font.
  static double text_width(std::string_view words, double size) {
    return 0.56 * size * static_cast<double>(words.size());
  }

  // For the text of XML and HTML.
  static std::string escaped(std::string_view words) {
    std::string text;
    for (const char c : printable(words)) {
      switch (c) {
        case '&':
          text += "&amp;";
          break;
        case '<':
          text += "&lt;";
          break;
        case '>':
          text += "&gt;";
          break;
        default:
          text += c;
      }
    }
    return text;
  }

 private:
  double width_, height_;
  std::string body_;
};

}  // namespace fovea
