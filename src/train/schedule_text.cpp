#include "train/schedule_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "core/suggest.h"
#include "fovea/error.h"

namespace fovea {

namespace {

using Kind = Schedule::Kind;

struct KindEntry {
  Kind kind;
  const char* name;
  std::vector<std::string_view> options;  // that the kind looks at, beside the warm-up
};

const std::array<KindEntry, 7>& kinds() {
  static const std::array<KindEntry, 7> entries = {
      {{Kind::constant, "constant", {}},
       {Kind::step, "step", {"every", "gamma"}},
       {Kind::cosine, "cosine", {"floor"}},
       {Kind::multi_step, "multi_step", {"at", "gamma"}},
       {Kind::one_cycle, "one_cycle", {"peak", "start", "floor", "linear"}},
       {Kind::polynomial, "polynomial", {"power", "floor"}},
       {Kind::plateau, "plateau", {"patience", "gamma", "floor"}}}};
  return entries;
}

std::string word_of(std::string text) {
  std::ranges::replace(text, '_', '-');
  return text;
}

// Those that the schedule's kind looks at.
OptionFields own_fields(Schedule& schedule) {
  const auto entry = std::ranges::find(kinds(), schedule.kind, &KindEntry::kind);
  OptionFields fields = fields_of(schedule);
  std::erase_if(fields, [&](const OptionField& field) {
    return field.name != "warmup" && std::ranges::find(entry->options, field.name) == entry->options.end();
  });
  return fields;
}

}  // namespace

OptionFields fields_of(Schedule& schedule) {
  return {{"every", &schedule.every},  {"at", &schedule.milestones},     {"gamma", &schedule.gamma},
          {"peak", &schedule.peak},    {"start", &schedule.start},       {"power", &schedule.power},
          {"floor", &schedule.floor},  {"patience", &schedule.patience}, {"linear", &schedule.linear},
          {"warmup", &schedule.warmup}};
}

std::string schedule_name(Kind kind) { return std::ranges::find(kinds(), kind, &KindEntry::kind)->name; }

Kind schedule_kind(const std::string& name) {
  std::string own = name;
  std::ranges::replace(own, '-', '_');
  for (const KindEntry& entry : kinds()) {
    if (own == entry.name) return entry.kind;
  }
  const std::vector<std::string> names = schedule_names();
  throw Error(ErrorKind::usage, fmt::format("unknown schedule '{}'{}; there are {}", name, did_you_mean(name, names),
                                            fmt::join(names, ", ")));
}

std::vector<std::string> schedule_names() {
  std::vector<std::string> names;
  for (const KindEntry& entry : kinds()) names.push_back(word_of(entry.name));
  return names;
}

Schedule parse_schedule(const std::string& text) {
  const OptionText words = split_option_text(text);
  Schedule schedule{.kind = schedule_kind(words.name)};
  read_option_words(words, own_fields(schedule), "schedule");
  return schedule;
}

std::string to_text(const Schedule& schedule) {
  Schedule copy = schedule;
  Schedule defaults{.kind = schedule.kind};
  return option_text(word_of(schedule_name(schedule.kind)), own_fields(copy), own_fields(defaults));
}

}  // namespace fovea
