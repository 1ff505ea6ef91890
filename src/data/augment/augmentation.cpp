#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "core/suggest.h"
#include "core/text.h"
#include "data/augment/step.h"
#include "fovea/augment.h"
#include "fovea/error.h"

namespace fovea {

using augment::Arguments;
using augment::Change;
using augment::Draws;
using augment::Scratch;
using augment::Step;
using augment::StepForm;

struct Augmentation::Steps {
  std::vector<Step> list;
};

namespace {

constexpr int deepest = 8;                // one-of within one-of
constexpr size_t longest_text = 1 << 16;  // bytes

const std::vector<StepForm>& step_forms() {
  static const std::vector<StepForm> all = [] {
    std::vector<StepForm> forms;
    for (const auto& part : {augment::crop_forms(), augment::warp_forms(), augment::elastic_forms(),
                             augment::colour_forms(), augment::noise_forms(), augment::erase_forms()}) {
      forms.insert(forms.end(), part.begin(), part.end());
    }
    return forms;
  }();
  return all;
}

// What is not a step of its own: it stands for steps, chooses among them, or is done to batches.
constexpr std::string_view one_of = "one-of";
constexpr std::pair<std::string_view, std::string_view> special_forms[] = {
    {"randaugment", "randaugment [count 2] [magnitude 9], of 30"},
    {"autoaugment", "autoaugment cifar-10|imagenet"},
    {"mixup", "mixup [alpha 0.2] [p 1]"},
    {"cutmix", "cutmix [alpha 1] [p 1]"},
};

std::vector<std::string> step_names() {
  std::vector<std::string> names = {std::string(one_of)};
  for (const StepForm& form : step_forms()) names.emplace_back(form.name);
  for (const auto& [name, usage] : special_forms) names.emplace_back(name);
  return names;
}

// Words are separated by white space; the signs , ( ) | are words of their own.
std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  size_t begin = std::string_view::npos;
  for (size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ' ';
    const bool sign = c == ',' || c == '(' || c == ')' || c == '|';
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!sign && !space) {
      if (begin == std::string_view::npos) begin = i;
      continue;
    }
    if (begin != std::string_view::npos) words.push_back(text.substr(begin, i - begin));
    begin = std::string_view::npos;
    if (sign) words.push_back(text.substr(i, 1));
  }
  return words;
}

void apply_all(const std::vector<Step>& steps, Image& image, Draws& draws, Scratch& scratch) {
  for (const Step& step : steps) step.change(image, draws, scratch);
}

// The error names the step, since the picture was not known when the text was read.
Change naming(std::string name, Change change) {
  return [name = std::move(name), change = std::move(change)](Image& image, Draws& draws, Scratch& scratch) {
    try {
      change(image, draws, scratch);
    } catch (const Error& error) {
      throw Error(error.kind(), fmt::format("augmentation: '{}': {}", name, error.what()));
    }
  };
}

Step with_probability(double probability, Step step) {
  return {[probability, change = std::move(step.change)](Image& image, Draws& draws, Scratch& scratch) {
    if (draws.chance(probability)) change(image, draws, scratch);
  }};
}

Step choose_one(std::vector<std::vector<Step>> choices) {
  return {[choices = std::move(choices)](Image& image, Draws& draws, Scratch& scratch) {
    const int64_t chosen = draws.below(static_cast<int64_t>(choices.size()));
    apply_all(choices[static_cast<size_t>(chosen)], image, draws, scratch);
  }};
}

class Parser {
 public:
  explicit Parser(std::string_view text) : words_(split_words(text)) {}

  std::vector<Step> parse() {
    std::vector<Step> steps = list(0);
    if (at_ < words_.size()) fail(fmt::format("unexpected '{}'", printable(words_[at_])));
    return steps;
  }

  const BatchMixing& mixing() const { return mixing_; }

 private:
  [[noreturn]] static void fail(const std::string& problem) {
    throw Error(ErrorKind::usage, "augmentation: " + problem);
  }

  std::string_view peek() const { return at_ < words_.size() ? words_[at_] : std::string_view(); }
  bool accept(std::string_view word) {
    if (peek() != word) return false;
    ++at_;
    return true;
  }
  bool at_step_end() const {
    const std::string_view word = peek();
    return word.empty() || word == "," || word == ")" || word == "|";
  }

  std::vector<Step> list(int depth) {
    std::vector<Step> steps;
    do {
      step(depth, steps);
    } while (accept(","));
    return steps;
  }

  void step(int depth, std::vector<Step>& steps) {
    if (at_step_end()) fail("a step is missing, as in 'pad 4, crop 32, flip'");
    const std::string_view name = words_[at_++];
    if (name == one_of) return steps.push_back(choice(depth));
    for (const auto& [special, usage] : special_forms) {
      if (name == special) return read_special(name, usage, depth, steps);
    }
    const auto& forms = step_forms();
    const auto form = std::find_if(forms.begin(), forms.end(), [&](const StepForm& f) { return f.name == name; });
    if (form == forms.end()) {
      fail(fmt::format("there is no step '{}'{}; steps are {}", printable(name),
                       did_you_mean(std::string(name), step_names()), fmt::join(step_names(), ", ")));
    }
    Arguments arguments = read_arguments(name, form->usage);
    Step made = form->make(arguments);
    made.change = naming(std::string(name), std::move(made.change));
    steps.push_back(finish(std::move(made), arguments));
  }

  // The argument that every step has, unless it took it as its own.
  static Step finish(Step step, Arguments& arguments) {
    const double probability = arguments.probability();
    arguments.finish();
    return probability < 1 ? with_probability(probability, std::move(step)) : step;
  }

  Arguments read_arguments(std::string_view name, std::string_view usage) {
    Arguments arguments(name, usage);
    while (!at_step_end() && peek() != "(") {
      const std::string_view word = words_[at_++];
      const bool letter = (word[0] >= 'a' && word[0] <= 'z') || (word[0] >= 'A' && word[0] <= 'Z');
      if (letter && !at_step_end()) {
        arguments.add(word, words_[at_++]);
      } else {
        arguments.add(word);
      }
    }
    return arguments;
  }

  Step choice(int depth) {
    if (depth >= deepest) fail(fmt::format("one-of within one-of goes deeper than {}", deepest));
    if (!accept("(")) fail("one-of needs its choices in parentheses: one-of(rotate 15 | blur, flip)");
    std::vector<std::vector<Step>> choices;
    do {
      choices.push_back(list(depth + 1));
    } while (accept("|"));
    if (!accept(")")) fail("one-of lacks its closing parenthesis");
    Arguments arguments = read_arguments(one_of, "one-of(STEPS | STEPS | ...) [p 1]");
    return finish(choose_one(std::move(choices)), arguments);
  }

  void read_special(std::string_view name, std::string_view usage, int depth, std::vector<Step>& steps) {
    Arguments arguments = read_arguments(name, usage);
    if (name == "mixup" || name == "cutmix") {
      if (depth > 0) arguments.fail("it is done to batches, so it cannot be one of several steps");
      double& alpha = name == "mixup" ? mixing_.mixup : mixing_.cutmix;
      alpha = arguments.number("alpha", name == "mixup" ? 0.2 : 1.0, 1e-3, 100);
      mixing_.probability = std::min(mixing_.probability, arguments.probability());
      return arguments.finish();
    }
    std::string text;
    if (name == "randaugment") {
      const int64_t count = arguments.whole("count", 2, 1, 14);
      text = augment::rand_augment_text(count, arguments.number("magnitude", 9, 0, 30));
    } else {
      text = augment::auto_augment_text(arguments.word("policy", ""));
    }
    arguments.finish();
    for (Step& step : Parser(text).parse()) steps.push_back(std::move(step));
  }

  std::vector<std::string_view> words_;
  size_t at_ = 0;
  BatchMixing mixing_;
};

}  // namespace

Augmentation::Augmentation(std::string_view text) : text_(text) {
  if (text.size() > longest_text) {
    throw Error(ErrorKind::usage,
                fmt::format("augmentation: the text has {} bytes, more than {}", text.size(), longest_text));
  }
  if (split_words(text).empty()) return;
  Parser parser(text);
  Steps steps{parser.parse()};
  mixing_ = parser.mixing();
  if (!steps.list.empty()) steps_ = std::make_shared<const Steps>(std::move(steps));
}

void Augmentation::apply(Image& image, const Random& random, bool turn) const {
  if (!steps_) return;
  check_image(image);
  thread_local Scratch scratch;
  Draws draws(random, turn);
  apply_all(steps_->list, image, draws, scratch);
}

int Augmentation::enough() const { return steps_ ? 2 * steps_->list.front().resizes_to : 0; }

}  // namespace fovea
