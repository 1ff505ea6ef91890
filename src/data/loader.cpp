#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <stop_token>
#include <thread>

#include "fovea/data.h"
#include "fovea/error.h"

namespace fovea {

namespace {

void check(const LoaderOptions& options) {
  const auto demand = [](bool holds, const char* what, int64_t got) {
    if (!holds) throw Error(ErrorKind::usage, fmt::format("loader: {}, got {}", what, got));
  };
  demand(options.batch_size >= 1, "the batch size must be at least 1", options.batch_size);
  demand(options.workers >= 0 && options.workers <= 1024, "workers must be between 0 and 1024", options.workers);
  demand(options.queue_depth >= 1 && options.queue_depth <= 1024, "the queue depth must be between 1 and 1024",
         options.queue_depth);
}

}  // namespace

// Batch b lives in slot b % slots. Workers take batch numbers in turn and wait until the caller has let go of what the
// slot held before; the caller waits until its slot holds the batch it wants.
class Loader::Impl {
 public:
  Impl(std::shared_ptr<const Dataset> dataset, const Preprocessing& preprocessing, std::vector<int64_t> order,
       const LoaderOptions& options)
      : dataset_(std::move(dataset)),
        preprocessing_(preprocessing),
        order_(std::move(order)),
        options_(options),
        own_{Preprocessor(preprocessing)} {
    check(options);
    check_order();
    const auto items = static_cast<int64_t>(order_.size());
    batches_ = options.drop_last ? items / options.batch_size : (items + options.batch_size - 1) / options.batch_size;
    if (options.first_batch < 0 || options.first_batch > batches_) {
      throw Error(ErrorKind::usage,
                  fmt::format("loader: cannot start at batch {} of {}", options.first_batch, batches_));
    }
    to_fill_ = to_deliver_ = released_ = options.first_batch;
    make_slots(std::min<int64_t>(options.queue_depth + 1, batches_ - options.first_batch));
    const int64_t workers = std::min<int64_t>(options.workers, batches_ - options.first_batch);
    for (int64_t i = 0; i < workers; ++i) {
      workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
    }
  }

  int64_t batches() const { return batches_; }

  const Batch* next() {
    std::unique_lock lock(mutex_);
    released_ = to_deliver_;
    slot_released_.notify_all();
    if (to_deliver_ == batches_) return nullptr;
    Slot& slot = slot_of(to_deliver_);
    if (workers_.empty()) {
      fill(slot.batch, to_deliver_, own_, {});
    } else {
      wait_for(slot, lock);
    }
    ++to_deliver_;
    return &slot.batch;
  }

 private:
  struct Slot {
    Batch batch;
    int64_t holds = -1;  // number of the batch that is ready here
    std::exception_ptr error;
  };

  // What a thread needs to fill batches.
  struct Worker {
    Preprocessor preprocessor;
    Image image{};
  };

  void wait_for(Slot& slot, std::unique_lock<std::mutex>& lock) {
    batch_filled_.wait(lock, [&] { return slot.holds == to_deliver_; });
    if (slot.error) std::rethrow_exception(slot.error);
  }

  Slot& slot_of(int64_t batch) { return slots_[static_cast<size_t>(batch) % slots_.size()]; }

  void check_order() const {
    const int64_t size = dataset_->size();
    const auto bad = std::find_if(order_.begin(), order_.end(), [&](int64_t i) { return i < 0 || i >= size; });
    if (bad == order_.end()) return;
    throw Error(ErrorKind::usage,
                fmt::format("loader: item {} is out of range: the data set has {} items", *bad, size));
  }

  void make_slots(int64_t count) {
    slots_.resize(static_cast<size_t>(count));
    const auto& p = preprocessing_;
    for (Slot& slot : slots_) {
      slot.batch.images = Tensor(Shape{options_.batch_size, p.height, p.width, p.channels});
      slot.batch.labels = Tensor(Shape{options_.batch_size});
    }
  }

  void work(const std::stop_token& stop) {
    Worker worker{Preprocessor(preprocessing_)};
    for (;;) {
      std::unique_lock lock(mutex_);
      const auto may_go_on = [&] {
        return to_fill_ == batches_ || to_fill_ < released_ + static_cast<int64_t>(slots_.size());
      };
      if (!slot_released_.wait(lock, stop, may_go_on) || to_fill_ == batches_) return;
      const int64_t batch = to_fill_++;
      lock.unlock();

      Slot& slot = slot_of(batch);
      try {
        fill(slot.batch, batch, worker, stop);
      } catch (...) {
        slot.error = std::current_exception();
      }
      lock.lock();
      slot.holds = batch;
      batch_filled_.notify_one();
    }
  }

  void fill(Batch& batch, int64_t number, Worker& worker, const std::stop_token& stop) const {
    const int64_t begin = number * options_.batch_size;
    batch.count = std::min(options_.batch_size, static_cast<int64_t>(order_.size()) - begin);
    const int64_t floats = batch.images.size() / options_.batch_size;
    for (int64_t row = 0; row < batch.count && !stop.stop_requested(); ++row) {
      const int64_t item = order_[static_cast<size_t>(begin + row)];
      dataset_->read(item, worker.image);
      worker.preprocessor.run(worker.image, batch.images.data() + row * floats);
      batch.labels[row] = static_cast<float>(dataset_->label(item));
    }
    const auto clear_rest = [](Tensor& tensor, int64_t used) {
      std::fill(tensor.data() + used, tensor.data() + tensor.size(), 0.0F);
    };
    clear_rest(batch.images, batch.count * floats);
    clear_rest(batch.labels, batch.count);
  }

  const std::shared_ptr<const Dataset> dataset_;
  const Preprocessing preprocessing_;
  const std::vector<int64_t> order_;
  const LoaderOptions options_;
  Worker own_;  // without background threads
  int64_t batches_ = 0;

  std::mutex mutex_;  // guards what follows, except a slot's batch and error while a worker fills them
  std::condition_variable_any slot_released_;
  std::condition_variable batch_filled_;
  std::vector<Slot> slots_;
  int64_t to_fill_ = 0;
  int64_t to_deliver_ = 0;
  int64_t released_ = 0;               // batches below this number are no longer in the caller's hands
  std::vector<std::jthread> workers_;  // last, so that they end before anything they use is destroyed
};

Loader::Loader(std::shared_ptr<const Dataset> dataset, const Preprocessing& preprocessing, std::vector<int64_t> order,
               const LoaderOptions& options)
    : impl_(std::make_unique<Impl>(std::move(dataset), preprocessing, std::move(order), options)) {}

Loader::~Loader() = default;

int64_t Loader::batches() const { return impl_->batches(); }

const Batch* Loader::next() { return impl_->next(); }

}  // namespace fovea
