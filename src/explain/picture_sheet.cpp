#include "fovea/picture_sheet.h"

#include <algorithm>

#include "explain/picture_data.h"
#include "explain/svg.h"

namespace fovea {

std::string picture_sheet(const std::vector<SheetPicture>& pictures) {
  constexpr double cell = 150, side = 120, line = 16;
  constexpr size_t columns = 6;
  size_t lines = 0;
  for (const SheetPicture& picture : pictures) lines = std::max(lines, picture.lines.size());
  const double row = side + 20 + line * static_cast<double>(lines);
  const size_t rows = (pictures.size() + columns - 1) / columns;
  Svg svg(cell * static_cast<double>(std::clamp<size_t>(pictures.size(), 1, columns)),
          row * static_cast<double>(std::max<size_t>(rows, 1)));
  for (size_t i = 0; i < pictures.size(); ++i) {
    const SheetPicture& picture = pictures[i];
    const size_t above = i / columns;
    const Point corner = {static_cast<double>(i % columns) * cell + (cell - side) / 2,
                          static_cast<double>(above) * row + 8};
    svg.with_tooltip(picture.tooltip,
                     [&] { svg.image(corner, side, side, data_address(picture.image, static_cast<int>(2 * side))); });
    for (size_t j = 0; j < picture.lines.size(); ++j) {
      svg.text({corner.x + side / 2, corner.y + side + line * static_cast<double>(j + 1)}, picture.lines[j], 12,
               Anchor::middle, j > 0 ? "fill=\"#b3261e\"" : "fill=\"#222\"");
    }
  }
  return std::move(svg).finish();
}

}  // namespace fovea
