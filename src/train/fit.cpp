#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "core/file.h"
#include "core/text.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/random.h"
#include "fovea/train.h"
#include "io/checkpoint_file.h"
#include "train/checkpoint.h"
#include "train/evaluator.h"
#include "train/run_folder.h"
#include "train/run_log.h"
#include "train/training_step.h"

namespace fovea {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Keeps apart the random numbers of the item order from those of initialisation and dropout.
constexpr uint64_t order_stream = 0x6f72646572;  // "order"

void check(const FitOptions& options) {
  const auto refuse = [](const char* what, auto value) {
    throw Error(ErrorKind::usage, fmt::format("training: {}, got {}", what, value));
  };
  if (options.epochs < 1) refuse("epochs must be at least 1", options.epochs);
  if (options.batch < 1) refuse("batch must be at least 1", options.batch);
  // The Loader demands it too, but only once the run folder is taken.
  if (options.workers < 1 || options.workers > 1024) refuse("workers must be between 1 and 1024", options.workers);
  if (!(options.save_every >= 0)) refuse("the seconds between checkpoints must not be negative", options.save_every);
  const auto epochs = static_cast<double>(options.epochs);
  schedule_factor(options.schedule, 0, epochs);  // throws for a schedule that makes no sense
}

class Trainer {
 public:
  Trainer(Model& model, std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> validation,
          const FitOptions& options)
      : model_(model), train_(std::move(train)), options_(options) {
    check(options);
    state_.seed = options.seed;
    state_.items = train_->size();
    state_.batch = std::min(options.batch, state_.items);
    steps_ = state_.items / std::max<int64_t>(state_.batch, 1);
    step_.emplace(model, *train_, options, state_.batch);
    if (validation) {
      evaluator_.emplace(model, std::move(validation),
                         EvaluateOptions{.batch = state_.batch, .workers = options.workers});
    }
  }

  void begin() {
    if (options_.run_folder.empty()) return;
    claim_run_folder(options_.run_folder);
    save();
    write_metrics();
    write_run_config(options_);  // last: a folder with a config can be resumed
    log_.emplace(options_.run_folder, 0);
  }

  void restore(const SafetensorsFile& file, const std::string& source) {
    const TrainingState saved = read_training_state(file, source);
    const auto demand = [&](const char* what, auto then, auto now) {
      if (then == now) return;
      throw Error(ErrorKind::usage,
                  fmt::format("{}: cannot resume with another {}: the run has {}, got {}", source, what, then, now));
    };
    demand("seed", saved.seed, state_.seed);
    demand("batch", saved.batch, state_.batch);
    demand("number of training pictures", saved.items, state_.items);
    read_optimizer(file, source, step_->optimizer());
    state_ = saved;
    note_checkpoint();
    write_run_config(options_);
    write_metrics();
    if (state_.epoch < options_.epochs) log_.emplace(options_.run_folder, state_.epoch * steps_ + state_.step);
  }

  History run() {
    while (state_.epoch < options_.epochs) {
      if (!finish_epoch()) {
        save();
        state_.history.interrupted = true;
        break;
      }
    }
    return state_.history;
  }

 private:
  bool stopping() const { return options_.stop != nullptr && options_.stop->load(); }
  double loss() const { return state_.loss_sum / static_cast<double>(std::max<int64_t>(state_.step, 1)); }
  double top1() const {
    return static_cast<double>(state_.correct) / static_cast<double>(std::max<int64_t>(state_.step * state_.batch, 1));
  }

  double learning_rate(int64_t step) const {
    const double epoch = static_cast<double>(state_.epoch) + static_cast<double>(step) / static_cast<double>(steps_);
    return options_.optimizer.lr * schedule_factor(options_.schedule, epoch, static_cast<double>(options_.epochs));
  }

  std::vector<int64_t> order() const {
    std::vector<int64_t> items(static_cast<size_t>(state_.items));
    std::iota(items.begin(), items.end(), int64_t{0});
    shuffle(items, Random(state_.seed, order_stream).substream(static_cast<uint64_t>(state_.epoch)));
    return items;
  }

  // From wherever the state stands to the start of the next epoch. Returns false when `stop` came first.
  bool finish_epoch() {
    if (state_.step < steps_ && !train_steps()) return false;
    const Clock::time_point start = Clock::now();
    EpochRecord record{.epoch = state_.epoch + 1,
                       .learning_rate = learning_rate(steps_ - 1),
                       .train_loss = loss(),
                       .train_top1 = top1()};
    check_finite();
    if (evaluator_) {
      const std::optional<Evaluation> evaluation = validate();
      if (!evaluation) return false;
      record.validation = evaluation->scores;
    }
    record.images_per_second = images_per_second();
    record.seconds = state_.seconds + seconds_since(start);
    record_epoch(record);
    return true;
  }

  // The rest of the epoch's steps.
  bool train_steps() {
    Loader loader(
        train_, model_.preprocessing, order(),
        {.batch_size = state_.batch, .workers = options_.workers, .drop_last = true, .first_batch = state_.step});
    const double seconds_before = state_.seconds;
    const Clock::time_point start = Clock::now();
    while (const Batch* batch = loader.next()) {
      run_step(*batch);
      state_.seconds = seconds_before + seconds_since(start);
      if (log_) log_->add(progress());
      if (options_.on_progress) options_.on_progress(progress());
      if (stopping()) return false;
      if (seconds_since(last_save_) >= options_.save_every) save();
    }
    return true;
  }

  void run_step(const Batch& batch) {
    const double rate = learning_rate(state_.step);
    const TrainingStep::Result result =
        step_->run(batch, static_cast<uint64_t>(state_.epoch * steps_ + state_.step), rate);
    if (!std::isfinite(result.loss)) {
      fail(fmt::format("the loss is {}: {}", std::isnan(result.loss) ? "NaN" : "infinite",
                       describe_non_finite(step_->session())));
    }
    state_.loss_sum += result.loss;
    state_.correct += result.correct;
    ++state_.step;
  }

  std::optional<Evaluation> validate() {
    try {
      return evaluator_->run(options_.stop);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::failure) fail(error.what());
      throw;
    }
  }

  void record_epoch(const EpochRecord& record) {
    History& history = state_.history;
    history.epochs.push_back(record);
    const double score = record.validation ? record.validation->top1 : record.train_top1;
    const bool best = history.best_epoch == 0 || score > history.best_top1;
    if (best) {
      history.best_epoch = record.epoch;
      history.best_top1 = score;
    }
    ++state_.epoch;
    state_.step = 0;
    state_.loss_sum = 0;
    state_.correct = 0;
    state_.seconds = 0;
    // Killed in between, the run resumes from the older last.safetensors and writes the same best.safetensors again.
    if (best && !options_.run_folder.empty()) save_model(model_, best_file(options_.run_folder));
    save();
    write_metrics();
    if (log_) log_->add(record, state_.epoch * steps_);
    if (options_.on_epoch) options_.on_epoch(record);
  }

  void save() {
    if (options_.run_folder.empty()) return;
    check_finite();
    save_checkpoint(last_file(options_.run_folder), model_, step_->optimizer(), state_);
    note_checkpoint();
  }

  void note_checkpoint() {
    last_save_ = Clock::now();
    saved_at_ = fmt::format("epoch {}, step {}", state_.epoch + 1, state_.step);
  }

  void write_metrics() const {
    if (options_.run_folder.empty()) return;
    const auto write = [&](const char* name, const std::string& text) {
      write_file_atomically(options_.run_folder / name, std::as_bytes(std::span(text)));
    };
    write("metrics.csv", metrics_csv(state_.history));
    write("metrics.jsonl", metrics_jsonl(state_.history));
  }

  void check_finite() const {
    for (size_t i = 0; i < model_.parameters().size(); ++i) {
      const auto finite = [](float x) { return std::isfinite(x); };
      if (std::ranges::all_of(model_.parameters()[i].values(), finite)) continue;
      fail(fmt::format("parameter '{}' has a NaN or an infinity", model_.graph().parameters()[i].name));
    }
  }

  [[noreturn]] void fail(const std::string& what) const {
    const std::string kept = saved_at_.empty() ? std::string("no checkpoint was saved")
                                               : fmt::format("the last good weights are in {} ({})",
                                                             printable(last_file(options_.run_folder)), saved_at_);
    throw Error(
        ErrorKind::failure,
        fmt::format("training failed in epoch {}, step {} of {}: {}; try a lower learning rate than {:g}; {}",
                    state_.epoch + 1, std::min(state_.step + 1, steps_), steps_, what, options_.optimizer.lr, kept));
  }

  double images_per_second() const {
    return state_.seconds > 0 ? static_cast<double>(state_.step * state_.batch) / state_.seconds : 0;
  }

  Progress progress() const {
    const int64_t left = (options_.epochs - state_.epoch) * steps_ - state_.step;
    return {.epoch = state_.epoch + 1,
            .epochs = options_.epochs,
            .step = state_.step,
            .steps = steps_,
            .loss = loss(),
            .top1 = top1(),
            .learning_rate = learning_rate(state_.step - 1),
            .images_per_second = images_per_second(),
            .seconds_left = static_cast<double>(left) * state_.seconds / static_cast<double>(state_.step)};
  }

  Model& model_;
  std::shared_ptr<const Dataset> train_;
  const FitOptions& options_;
  TrainingState state_;
  int64_t steps_ = 0;  // per epoch
  std::optional<TrainingStep> step_;
  std::optional<Evaluator> evaluator_;
  Clock::time_point last_save_ = Clock::now();
  std::optional<RunLog> log_;  // with a run folder
  std::string saved_at_;       // position of last.safetensors; empty: there is none
};

}  // namespace

History fit(Model& model, std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> validation,
            const FitOptions& options) {
  Trainer trainer(model, std::move(train), std::move(validation), options);
  trainer.begin();
  return trainer.run();
}

History resume(Model& model, std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> validation,
               const FitOptions& options) {
  const std::filesystem::path path = last_file(options.run_folder);
  const std::string source = printable(path);
  const SafetensorsFile file = SafetensorsFile::open(path);
  model = read_model(file, source);
  Trainer trainer(model, std::move(train), std::move(validation), options);
  trainer.restore(file, source);
  return trainer.run();
}

}  // namespace fovea
