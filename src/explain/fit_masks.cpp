// Training by masks.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "explain/picture_input.h"
#include "fovea/error.h"
#include "fovea/image_ops.h"
#include "fovea/ops.h"
#include "fovea/random.h"
#include "fovea/segment.h"
#include "fovea/session.h"

namespace fovea {

namespace {

void check(const std::vector<MaskedPicture>& items, const FitMasksOptions& options) {
  const auto refuse = [](const char* what) {
    throw Error(ErrorKind::usage, fmt::format("training on masks: {}", what));
  };
  if (items.empty()) refuse("there are no pictures");
  if (options.epochs < 1 || options.batch < 1) refuse("epochs and batch must be at least 1");
  if (!(options.balance >= 0 && options.balance <= 2)) refuse("balance must be 0 to 2");
  schedule_factor(options.schedule, 0, static_cast<double>(options.epochs));
}

Image mirrored(Image image) {
  flip_horizontal(image);
  return image;
}

// Nothing is cut off: masks are the picture's.
Preprocessing whole_picture(Preprocessing preprocessing) {
  preprocessing.shorter_side = 0;
  return preprocessing;
}

// One output with its targets {h, w, classes}: the classes' weights at the pixels that count, zeros elsewhere.
struct Head {
  std::string targets;
  Shape shape;
  double weight;
};

class MaskTrainer {
 public:
  MaskTrainer(Model& model, const std::vector<MaskedPicture>& items, const FitMasksOptions& options)
      : items_(items),
        options_(options),
        batch_(std::min<int64_t>(options.batch, std::ssize(items))),
        graph_(model.graph()),
        input_(picture_input(model)),
        preprocessor_(whole_picture(model.preprocessing)) {
    add_losses();
    classes_ = heads_[0].shape.back();
    weigh_classes();
    session_.emplace(
        model, graph_,
        SessionOptions{
            .batch = batch_, .training = true, .differentiate = loss_, .keep = {loss_}, .seed = options.seed});
    optimizer_ = make_optimizer(options.optimizer, model);
    for (size_t i = 0; i < model.parameters().size(); ++i) gradients_.push_back(session_->parameter_gradient(i));
  }

  void run() {
    const int64_t steps = std::ssize(items_) / batch_;
    uint64_t number = 0;
    for (int64_t epoch = 0; epoch < options_.epochs; ++epoch) {
      std::vector<int64_t> order(items_.size());
      std::iota(order.begin(), order.end(), int64_t{0});
      const Random random = Random(options_.seed, 1).substream(static_cast<uint64_t>(epoch));
      shuffle(order, random);
      double sum = 0;
      for (int64_t step = 0; step < steps; ++step) {
        if (options_.stop != nullptr && options_.stop->load()) return;
        fill(std::span(order).subspan(static_cast<size_t>(step * batch_), static_cast<size_t>(batch_)),
             random.substream(static_cast<uint64_t>(step) + 1));
        session_->set_step(number++);
        session_->forward();
        const double loss = session_->activation(loss_)[0];
        if (!std::isfinite(loss)) {
          throw Error(ErrorKind::failure,
                      fmt::format("training on masks: the loss is {} in epoch {}, step {}", loss, epoch + 1, step + 1));
        }
        sum += loss;
        session_->backward();
        const double time = static_cast<double>(epoch) + static_cast<double>(step) / static_cast<double>(steps);
        optimizer_->step(gradients_, options_.optimizer.lr * schedule_factor(options_.schedule, time,
                                                                             static_cast<double>(options_.epochs)));
        session_->parameters_changed();
      }
      if (options_.on_epoch) options_.on_epoch(epoch + 1, sum / static_cast<double>(steps));
    }
  }

 private:
  void add_losses() {
    std::vector<Value> losses;
    std::vector<double> weights;
    const auto add_head = [&](Value scores, double weight) {
      const Shape shape = scores.shape().without_batch();
      if (shape.rank() != 3) {
        throw Error(ErrorKind::format, fmt::format("node '{}' gives {}: scores of pixels are height x width x classes",
                                                   scores.name(), to_string(shape)));
      }
      const std::string name = fmt::format("targets of {}", scores.name());
      const Value targets = graph_.input(name, shape);
      const int64_t classes = shape.back();
      losses.push_back(soft_cross_entropy(reshape(scores, {-1, classes}), reshape(targets, {-1, classes})));
      weights.push_back(weight);
      heads_.push_back({name, shape, weight});
    };
    const std::vector<AuxiliaryOutput> auxiliary = graph_.auxiliary_outputs();
    add_head(graph_.output(), 1);
    for (const AuxiliaryOutput& output : auxiliary) add_head({&graph_, output.node}, output.weight);
    const Value loss = losses.size() == 1 ? losses[0] : weighted_sum(losses, weights);
    loss_ = loss.name();
    graph_.set_output(loss);
  }

  void weigh_classes() {
    std::vector<int64_t> counts(static_cast<size_t>(classes_));
    for (const MaskedPicture& item : items_) {
      for (const uint8_t sample : item.mask.pixels) {
        if (sample == options_.ignore) continue;
        if (sample >= classes_) {
          throw Error(ErrorKind::usage, fmt::format("training on masks: sample {} is none of the network's {} classes "
                                                    "(is it to be ignored?)",
                                                    sample, classes_));
        }
        ++counts[sample];
      }
    }
    const auto all = static_cast<double>(std::accumulate(counts.begin(), counts.end(), int64_t{0}));
    for (const int64_t count : counts) {
      weights_.push_back(
          count == 0 ? 0.0F : static_cast<float>(std::pow(static_cast<double>(count) / all, -options_.balance)));
    }
  }

  void fill(std::span<const int64_t> chosen, const Random& random) {
    const std::span<float> input = session_->input(input_);
    const size_t size = input.size() / chosen.size();
    std::vector<Image> masks;
    for (size_t n = 0; n < chosen.size(); ++n) {
      const MaskedPicture& item = items_[static_cast<size_t>(chosen[n])];
      const bool turned = options_.mirror && random.below(n, 2) == 1;
      preprocessor_.run(turned ? mirrored(item.picture) : item.picture, input.data() + n * size);
      masks.push_back(turned ? mirrored(item.mask) : item.mask);
    }
    for (const Head& head : heads_) fill_targets(head, masks);
  }

  void fill_targets(const Head& head, const std::vector<Image>& masks) {
    const std::span<float> targets = session_->input(head.targets);
    std::ranges::fill(targets, 0.0F);
    const int64_t height = head.shape[0], width = head.shape[1];
    double total = 0;
    float* at = targets.data();
    for (const Image& mask : masks) {
      for (int64_t y = 0; y < height; ++y) {
        const int64_t row = (2 * y + 1) * mask.height / (2 * height);
        for (int64_t x = 0; x < width; ++x, at += classes_) {
          const int64_t column = (2 * x + 1) * mask.width / (2 * width);
          const uint8_t sample = mask.pixels[static_cast<size_t>(row * mask.width + column)];
          if (sample == options_.ignore) continue;
          at[sample] = weights_[sample];
          total += static_cast<double>(weights_[sample]);
        }
      }
    }
    // The loss divides by all pixels; it should divide by the weights of those that count.
    const auto pixels = static_cast<double>(targets.size()) / static_cast<double>(classes_);
    const auto scale = static_cast<float>(total > 0 ? pixels / total : 0);
    for (float& value : targets) value *= scale;
  }

  const std::vector<MaskedPicture>& items_;
  const FitMasksOptions& options_;
  int64_t batch_;
  Graph graph_;
  std::string input_, loss_;
  Preprocessor preprocessor_;
  std::vector<Head> heads_;
  int64_t classes_ = 0;
  std::vector<float> weights_;
  std::optional<Session> session_;
  std::unique_ptr<Optimizer> optimizer_;
  std::vector<std::span<const float>> gradients_;
};

}  // namespace

void fit_masks(Model& model, const std::vector<MaskedPicture>& items, const FitMasksOptions& options) {
  check(items, options);
  MaskTrainer(model, items, options).run();
}

}  // namespace fovea
