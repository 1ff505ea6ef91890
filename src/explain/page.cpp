// The HTML page of explanations.
#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/file.h"
#include "explain/picture_data.h"
#include "explain/svg.h"
#include "fovea/explanation.h"

namespace fovea::explain {

namespace {

constexpr int largest_side = 1024;  // of pictures in the page

constexpr std::string_view head = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<style>
:root { --cover: 0.7; --size: 224px }
body { margin: 0 auto; max-width: 80rem; padding: 0 1rem 2rem; font: 16px/1.4 system-ui, sans-serif; color: #222; background: #fff }
header { position: sticky; top: 0; z-index: 1; background: #fff; border-bottom: 1px solid #ccc; padding: .5rem 0; display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline }
h1 { font-size: 1.1rem; margin: 0; flex: 1 1 12rem; overflow-wrap: anywhere }
h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; overflow-wrap: anywhere }
h3 { font-size: 1rem; margin: 1rem 0 .5rem }
label { display: flex; align-items: center; gap: .5rem }
.top { display: flex; flex-wrap: wrap; gap: 1rem; align-items: start }
table { border-collapse: collapse } td { padding: .1rem .6rem .1rem 0; vertical-align: top } td:first-child { text-align: right; font-variant-numeric: tabular-nums }
.maps { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(var(--size), 100%), 1fr)); gap: 1rem }
figure { margin: 0; max-width: calc(var(--size) * 1.3) }
.frame { background-size: 100% 100%; line-height: 0; max-width: 100% }
.top .frame { width: var(--size) }
.frame img { width: 100%; height: auto; image-rendering: pixelated }
.maps img { opacity: var(--cover) } .maps .frame:hover img { opacity: 0 }
figcaption { font-size: .85rem; margin-top: .3rem } figcaption b { font-size: .95rem }
</style>
)";

constexpr std::string_view controls =
    R"(<label>maps <input type="range" min="0" max="1" step="0.01" value="0.7" data-set="--cover"></label>
<label>size <input type="range" min="96" max="512" step="8" value="224" data-set="--size" data-unit="px"></label>
)";

constexpr std::string_view script = R"(<script>
for (const slider of document.querySelectorAll("input"))
  slider.oninput = () => document.documentElement.style.setProperty(slider.dataset.set, slider.value + (slider.dataset.unit || ""));
</script>
)";

// The picture lies behind the maps as the background of class p0, p1 ..., so that the page holds it once.
void add_picture(const PagePicture& picture, size_t number, std::string& page) {
  const std::string uri = data_address(picture.picture, largest_side);
  page += fmt::format("<style>.p{} {{ background-image: url({}) }}</style>\n", number, uri);
  page +=
      fmt::format("<section><h2>{}</h2>\n<div class=\"top\"><div class=\"frame\"><img alt=\"{}\" src=\"{}\"></div>\n",
                  Svg::escaped(picture.title), "the picture as the network sees it", uri);
  page += "<table>\n";
  for (const Guess& guess : picture.guesses) {
    page +=
        fmt::format("<tr><td>{:.2f} %</td><td>{}</td></tr>\n", 100 * guess.probability, Svg::escaped(guess.class_name));
  }
  page += "</table></div>\n";
  for (const PageTarget& target : picture.targets) {
    page += fmt::format("<h3>Why {}?</h3>\n<div class=\"maps\">\n", Svg::escaped(target.title));
    for (const PageMap& map : target.maps) {
      page += fmt::format(
          "<figure><div class=\"frame p{}\"><img alt=\"{}\" src=\"{}\"></div><figcaption><b>{}</b><br>{}</figcaption>"
          "</figure>\n",
          number, Svg::escaped(map.title), data_address(map.picture, largest_side), Svg::escaped(map.title),
          Svg::escaped(map.caption));
    }
    page += "</div>\n";
  }
  page += "</section>\n";
}

}  // namespace

void write_page(const std::filesystem::path& path, const std::string& title, const std::vector<PagePicture>& pictures) {
  std::string page(head);
  page += fmt::format("<title>{0}</title></head>\n<body>\n<header><h1>{0}</h1>\n{1}</header>\n", Svg::escaped(title),
                      controls);
  for (size_t i = 0; i < pictures.size(); ++i) add_picture(pictures[i], i, page);
  page += script;
  page += "</body></html>\n";
  write_file_atomically(path, std::as_bytes(std::span(page)));
}

}  // namespace fovea::explain
