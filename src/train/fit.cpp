#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/text.h"
#include "fovea/error.h"
#include "fovea/random.h"
#include "fovea/train.h"
#include "io/checkpoint_file.h"
#include "train/checkpoint.h"
#include "train/epoch_items.h"
#include "train/evaluator.h"
#include "train/judging.h"
#include "train/run_folder.h"
#include "train/run_keeper.h"
#include "train/training_step.h"
#include "train/weight_average.h"

namespace fovea {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Keeps apart the random numbers of the item order from those of initialisation and dropout.
constexpr uint64_t order_stream = 0x6f72646572;  // "order"

void check(const FitOptions& options, bool has_validation) {
  const auto refuse = [](const char* what, auto value) {
    throw Error(ErrorKind::usage, fmt::format("training: {}, got {}", what, value));
  };
  if (options.epochs < 1) refuse("epochs must be at least 1", options.epochs);
  if (options.batch < 1) refuse("batch must be at least 1", options.batch);
  // The Loader demands it too, but only once the run folder is taken.
  if (options.workers < 0 || options.workers > 1024) refuse("workers must be between 0 and 1024", options.workers);
  if (!(options.save_every >= 0)) refuse("the seconds between checkpoints must not be negative", options.save_every);
  if (!(options.ema >= 0 && options.ema < 1)) {
    refuse("the decay of averaged weights must be in [0, 1)", options.ema);
  }
  if (options.patience < 0) refuse("patience must not be negative", options.patience);
  if (options.checkpoint_every < 0) refuse("epochs between checkpoints must not be negative", options.checkpoint_every);
  if (options.keep_checkpoints < 0) refuse("the checkpoints to keep must not be negative", options.keep_checkpoints);
  if (options.best_by == Metric::top5 && !has_validation) {
    throw Error(ErrorKind::usage, "training: top-5 is measured on a validation set, and there is none");
  }
  schedule_factor(options.schedule, 0, static_cast<double>(options.epochs));  // throws where it makes no sense
}

class Trainer {
 public:
  Trainer(Model& model, std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> validation,
          const FitOptions& options)
      : model_(model), train_(std::move(train)), options_(options), keeper_(options) {
    check(options, validation != nullptr);
    state_.seed = options.seed;
    state_.items = train_->size();
    state_.batch = std::min(options.batch, state_.items);
    step_.emplace(model, *train_, options, state_.batch);
    steps_ = state_.items / state_.batch / options.accumulate;
    if (steps_ == 0) {
      throw Error(ErrorKind::usage,
                  fmt::format("training: a step of {} batches of {} needs more than the {} pictures there are",
                              options.accumulate, state_.batch, state_.items));
    }
    if (options.ema > 0) average_.emplace(model, options.ema);
    if (validation) {
      evaluator_.emplace(judged(), std::move(validation),
                         EvaluateOptions{.batch = state_.batch, .workers = options.workers});
    }
  }

  void begin() { keeper_.begin(judged(), carried(), state_); }

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
    read_training_tensors(file, source, carried());
    state_ = saved;
    state_.step = std::min(state_.step, steps_);
    step_->optimizer().set_steps(steps_so_far());
    step_->session().parameters_changed();
    note_scores();
    keeper_.go_on(state_, steps_so_far(), state_.epoch >= options_.epochs || out_of_patience());
  }

  History run() {
    while (state_.epoch < options_.epochs && !out_of_patience()) {
      if (finish_epoch()) continue;
      save();
      state_.history.interrupted = true;
      break;
    }
    state_.history.stopped_early = !state_.history.interrupted && state_.epoch < options_.epochs;
    if (average_) take_average();
    return state_.history;
  }

 private:
  bool stopping() const { return options_.stop != nullptr && options_.stop->load(); }
  bool out_of_patience() const {
    return options_.patience > 0 && state_.epoch - state_.history.best_epoch >= options_.patience;
  }
  // What is validated and saved.
  Model& judged() { return average_ ? average_->model() : model_; }

  void take_average() {
    for (size_t i = 0; i < model_.parameters().size(); ++i) {
      std::ranges::copy(average_->model().parameters()[i].values(), model_.parameters()[i].data());
    }
  }

  // Tensors that a checkpoint has beside the judged model.
  std::vector<OptimizerTensor> carried() {
    std::vector<OptimizerTensor> tensors = step_->optimizer().state();
    if (!average_) return tensors;
    for (size_t i = 0; i < model_.parameters().size(); ++i) {
      tensors.push_back({"trained." + model_.graph().parameters()[i].name, &model_.parameters()[i]});
    }
    return tensors;
  }

  int64_t steps_so_far() const { return state_.epoch * steps_ + state_.step; }
  int64_t step_items() const { return state_.batch * options_.accumulate; }
  double loss() const { return state_.loss_sum / static_cast<double>(std::max<int64_t>(state_.step, 1)); }
  double top1() const {
    return static_cast<double>(state_.correct) / static_cast<double>(std::max<int64_t>(state_.step * step_items(), 1));
  }

  double learning_rate(int64_t step) const {
    const double epoch = static_cast<double>(state_.epoch) + static_cast<double>(step) / static_cast<double>(steps_);
    return fovea::learning_rate(options_.optimizer) *
           schedule_factor(options_.schedule, epoch, static_cast<double>(options_.epochs), scores_);
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
    EpochItems items = epoch_items(train_, model_.preprocessing, options_, Random(state_.seed, order_stream),
                                   static_cast<uint64_t>(state_.epoch));
    Loader loader(std::move(items.pictures), model_.preprocessing, std::move(items.order),
                  {.batch_size = state_.batch,
                   .workers = options_.workers,
                   .drop_last = true,
                   .first_batch = state_.step * options_.accumulate});
    const double seconds_before = state_.seconds;
    const Clock::time_point start = Clock::now();
    while (state_.step < steps_) {
      run_step(loader);
      state_.seconds = seconds_before + seconds_since(start);
      keeper_.add(progress());
      if (options_.on_progress) options_.on_progress(progress());
      if (stopping()) return false;
      if (keeper_.seconds_since_save() >= options_.save_every) save();
    }
    return true;
  }

  void run_step(Loader& loader) {
    double loss = 0;
    for (int64_t i = 0; i < options_.accumulate; ++i) {
      const int64_t number = steps_so_far() * options_.accumulate + i;
      const TrainingStep::Result result = step_->add(*loader.next(), static_cast<uint64_t>(number));
      if (!std::isfinite(result.loss)) {
        fail(fmt::format("the loss is {}: {}", std::isnan(result.loss) ? "NaN" : "infinite",
                         describe_non_finite(step_->session())));
      }
      loss += result.loss;
      state_.correct += result.correct;
    }
    step_->update(learning_rate(state_.step));
    state_.loss_sum += loss / static_cast<double>(options_.accumulate);
    ++state_.step;
    if (average_) average_->update(model_, steps_so_far());
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
    const bool best = add_record(state_.history, record, options_.best_by);
    note_scores();
    ++state_.epoch;
    state_.step = 0;
    state_.loss_sum = 0;
    state_.correct = 0;
    state_.seconds = 0;
    check_finite();
    keeper_.save_epoch(judged(), carried(), state_, steps_so_far(), best);
    if (options_.on_epoch) options_.on_epoch(record);
  }

  void note_scores() {
    scores_.clear();
    for (const EpochRecord& record : state_.history.epochs) scores_.push_back(score_of(record, options_.best_by));
  }

  void save() {
    if (!keeper_.active()) return;
    check_finite();
    keeper_.save(judged(), carried(), state_);
  }

  void check_finite() const {
    for (size_t i = 0; i < model_.parameters().size(); ++i) {
      const auto finite = [](float x) { return std::isfinite(x); };
      if (std::ranges::all_of(model_.parameters()[i].values(), finite)) continue;
      fail(fmt::format("parameter '{}' has a NaN or an infinity", model_.graph().parameters()[i].name));
    }
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::failure,
                fmt::format("training failed in epoch {}, step {} of {}: {}; try a lower learning rate than {:g}; {}",
                            state_.epoch + 1, std::min(state_.step + 1, steps_), steps_, what,
                            fovea::learning_rate(options_.optimizer), keeper_.describe_kept()));
  }

  double images_per_second() const {
    return state_.seconds > 0 ? static_cast<double>(state_.step * step_items()) / state_.seconds : 0;
  }

  Progress progress() const {
    const int64_t left = options_.epochs * steps_ - steps_so_far();
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
  RunKeeper keeper_;
  TrainingState state_;
  int64_t steps_ = 0;           // per epoch
  std::vector<double> scores_;  // of the epochs so far
  std::optional<TrainingStep> step_;
  std::optional<WeightAverage> average_;
  std::optional<Evaluator> evaluator_;
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
