#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fovea/augment.h"
#include "fovea/class_balance.h"
#include "fovea/data.h"
#include "fovea/metrics.h"
#include "fovea/model.h"
#include "fovea/optim.h"
#include "fovea/schedule.h"

// Training and judging classifiers: a network with one input, which model.preprocessing fills, and an output {1, K}
// for a data set of K classes. The output holds logits, or a softmax or log-softmax of them.
namespace fovea {

// ---- Evaluation ----------------------------------------------------------------------------------------------------

struct Scores {
  double loss = 0;  // mean cross-entropy
  double top1 = 0;  // fraction of items whose class has the highest score
  double top5 = 0;  // fraction of items whose class is among the five highest
};

struct Evaluation {
  Scores scores;
  ConfusionMatrix confusion;
  std::vector<int64_t> predictions;  // the winning class of each item
  Tensor probabilities{};            // {N, K}, softmax of the scores, if they were asked for
};

struct EvaluateOptions {
  int64_t batch = 64;
  int workers = 1;  // background threads that read pictures; 0: the caller's thread reads them
  bool probabilities = false;
};

// Runs the network in inference mode over the whole data set.
// Throws Error(format) when network and data set do not fit, Error(usage) for options that make no sense,
// Error(failure) naming the first node that gives a NaN or an infinity.
Evaluation evaluate(Model& model, std::shared_ptr<const Dataset> dataset, const EvaluateOptions& options = {});

// ---- Training ------------------------------------------------------------------------------------------------------

struct EpochRecord {
  int64_t epoch = 0;         // from 1
  double learning_rate = 0;  // of the last step
  double train_loss = 0;     // means over the steps, while the weights were changing
  double train_top1 = 0;
  std::optional<Scores> validation{};
  double seconds = 0;            // training and validation
  double images_per_second = 0;  // training only
};

struct History {
  std::vector<EpochRecord> epochs{};
  int64_t best_epoch = 0;      // by FitOptions::best_by, the first of equals; 0: none
  double best_top1 = 0;        // of that epoch: validation top-1 (training top-1 without a validation set)
  bool interrupted = false;    // `stop` ended the run before its time
  bool stopped_early = false;  // FitOptions::patience did
};

// Where a run stands, after each step.
struct Progress {
  int64_t epoch = 0;  // from 1
  int64_t epochs = 0;
  int64_t step = 0;  // done in this epoch
  int64_t steps = 0;
  double loss = 0;  // mean over this epoch's steps so far
  double top1 = 0;
  double learning_rate = 0;
  double images_per_second = 0;
  double seconds_left = 0;  // of all training steps to come, at this rate
};

// What training minimises, averaged over the batch (ops.h has the formulas). A network's auxiliary outputs have the
// same loss, times their weights; evaluation looks at the first output alone.
struct Loss {
  enum class Kind { cross_entropy, hinge };
  Kind kind = Kind::cross_entropy;
  double label_smoothing = 0;  // of the cross-entropy, 0 to 1
};

// What epochs are judged by: of the validation set, or of the training steps where there is none.
enum class Metric {
  top1,
  top5,  // needs a validation set
  loss,  // the lower, the better
};

struct FitOptions {
  int64_t epochs = 10;
  int64_t batch = 64;  // at most the size of the training set; a last batch that is not full is left out
  OptimizerOptions optimizer = Sgd{};
  Schedule schedule{};  // evaluated before each step
  Loss loss{};

  TrainingRules rules{};   // what is frozen, rates of some layers, what weight decay leaves out
  Lookahead lookahead{};   // around the optimiser
  int64_t accumulate = 1;  // batches whose gradients are averaged for one step; batch norm sees one at a time
  // Gradients are scaled so that the norm of all together is at most clip_norm (Pascanu et al. 2013), then limited to
  // +-clip_value each; 0: no limit.
  double clip_norm = 0;
  double clip_value = 0;
  // The parameters and running statistics that are judged, saved as best, and left at the end are moving averages of
  // the trained ones (Polyak & Juditsky 1992), a = d a + (1 - d) x after step t with d = min(ema,
  // (1 + t) / (10 + t)), so that a short run forgets its beginning; 0: the trained ones themselves.
  double ema = 0;

  // Called after each update, to bring parameters back to where they may be: the zeros of pruning (compress.h), say.
  std::function<void(Model&)> constrain{};

  Metric best_by = Metric::top1;  // what best.safetensors and patience go by
  int64_t patience = 0;           // epochs without a better one after which the run ends; 0: it goes on
  int64_t checkpoint_every = 0;   // epochs between checkpoints that are kept, epoch-0010.safetensors; 0: none
  int64_t keep_checkpoints = 0;   // as many of them, the latest; 0: all

  Augmentation augmentation{};  // of training pictures; mixing needs the cross-entropy
  ClassBalance balance = ClassBalance::none;
  uint64_t seed = 0;  // of the order of items, of augmentation and of dropout
  int workers = 1;    // background threads that read pictures; 0: the thread that trains reads them

  // Where the run is kept (see run_folder.h); empty: nowhere.
  std::filesystem::path run_folder{};
  double save_every = 60;                        // seconds between checkpoints within an epoch
  std::map<std::string, std::string> details{};  // recorded in config.json for the caller: names of model, data ...

  // Called on the thread that called fit, after each step and each epoch.
  std::function<void(const Progress&)> on_progress{};
  std::function<void(const EpochRecord&)> on_epoch{};
  // When it turns true the running step is finished, a checkpoint saved, and fit returns. A signal handler may set it,
  // or a callback.
  const std::atomic<bool>* stop = nullptr;
};

// Trains the parameters by the loss and leaves them as they are after the last step, or their averages. Each epoch
// visits the items
// of `train` in a new order, decided by (seed, epoch); `validation` (may be null) is evaluated after each epoch.
// The same model, data and options give the same bits for any number of threads and workers.
// With a run folder the whole state is saved at the start, every save_every seconds, after each epoch and on `stop`.
// Throws Error(usage) for options that make no sense, or a run folder that holds something already; Error(format) when
// network and data sets do not fit; Error(data) when pictures cannot be read or the run folder cannot be written;
// Error(failure) when the loss or a parameter becomes NaN or infinite, naming epoch, step and the first node concerned.
// Whatever is thrown, checkpoints are whole, and hold finite weights.
History fit(Model& model, std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> validation,
            const FitOptions& options);

// Continues the run kept in options.run_folder from its last checkpoint, to the bit as if it had never ended.
// `model` becomes the saved one. Options are those of read_run_config(), plus callbacks; epochs may be raised.
// A run that is finished returns its history at once.
// Throws as fit does; Error(data) when there is no checkpoint; Error(usage) when seed, batch or the size of the
// training set differ from the saved ones.
History resume(Model& model, std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> validation,
               const FitOptions& options);

}  // namespace fovea
