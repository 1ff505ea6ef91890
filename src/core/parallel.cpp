#include "fovea/parallel.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "fovea/error.h"

// A fork-join pool in which joining waits for claimed chunks, not for threads: a worker that a busy neighbour keeps
// off its core simply claims nothing, and the others do its work. An OpenMP region cannot do that, its end
// is a barrier for all threads (docs/decisions/0002-fork-join.md).
namespace fovea {

namespace {

constexpr int64_t max_chunks = 0xFFFF;
constexpr int spins_before_sleep = 2000;  // tens of microseconds: longer than the gap between two kernels of a step

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// One word holds which job runs and which of a thread's chunks, [next, end), are left, so that claiming one is a single
// compare-and-swap which fails if the job has changed meanwhile.
struct Ticket {
  uint32_t job;
  uint16_t end;
  uint16_t next;

  static Ticket unpack(uint64_t word) {
    return {static_cast<uint32_t>(word >> 32U), static_cast<uint16_t>(word >> 16U), static_cast<uint16_t>(word)};
  }
  uint64_t pack() const { return (uint64_t{job} << 32U) | (uint64_t{end} << 16U) | next; }
};

class Pool {
 public:
  explicit Pool(int threads) : shares_(static_cast<size_t>(threads)) {
    threads_.reserve(shares_.size() - 1);
    for (size_t i = 1; i < shares_.size(); ++i) threads_.emplace_back([this, i] { work(i); });
  }

  ~Pool() {
    stopping_.store(true, std::memory_order_release);
    wake();
    for (std::thread& thread : threads_) thread.join();
  }

  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void run(int64_t count, int64_t grain, int64_t chunks, detail::ChunkFunction function, void* context) {
    function_.store(function, std::memory_order_relaxed);
    context_.store(context, std::memory_order_relaxed);
    count_.store(count, std::memory_order_relaxed);
    grain_.store(grain, std::memory_order_relaxed);
    pending_.store(chunks, std::memory_order_relaxed);
    ++job_;
    const auto threads = static_cast<int64_t>(shares_.size());
    for (int64_t i = 0; i < threads; ++i) {
      const Ticket share = {job_, static_cast<uint16_t>((i + 1) * chunks / threads),
                            static_cast<uint16_t>(i * chunks / threads)};
      shares_[static_cast<size_t>(i)].ticket.store(share.pack(), std::memory_order_release);
    }
    wake();
    run_share(0);
    for (int spin = 0; pending_.load(std::memory_order_acquire) != 0; ++spin) {
      spin < spins_before_sleep ? relax() : std::this_thread::yield();
    }
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  void wake() {
    epoch_.fetch_add(1, std::memory_order_release);
    epoch_.notify_all();
  }

  // The chunks that a thread begins with.
  struct alignas(64) Share {
    std::atomic<uint64_t> ticket{0};
  };

  void work(size_t thread);

  // In one loop after the other a thread has the same share of the whole, and finds there, in its own cache, what it
  // wrote. Then it helps the others, from the ends of theirs.
  void run_share(size_t thread) {
    while (claim_and_run(shares_[thread].ticket, false)) {
    }
    for (size_t i = 1; i < shares_.size(); ++i) {
      while (claim_and_run(shares_[(thread + i) % shares_.size()].ticket, true)) {
      }
    }
  }

  // Returns false when every chunk of this share of the current job is taken.
  bool claim_and_run(std::atomic<uint64_t>& share, bool from_end) {
    uint64_t word = share.load(std::memory_order_acquire);
    for (;;) {
      Ticket ticket = Ticket::unpack(word);
      if (ticket.next >= ticket.end) return false;
      // Read before claiming: they belong to this job if, and only if, the claim succeeds.
      const detail::ChunkFunction function = function_.load(std::memory_order_relaxed);
      void* const context = context_.load(std::memory_order_relaxed);
      const int64_t count = count_.load(std::memory_order_relaxed);
      const int64_t grain = grain_.load(std::memory_order_relaxed);
      const int64_t begin = (from_end ? --ticket.end : ticket.next++) * grain;
      if (!share.compare_exchange_weak(word, ticket.pack(), std::memory_order_acq_rel, std::memory_order_acquire)) {
        continue;
      }
      try {
        function(context, begin, std::min(begin + grain, count));
      } catch (...) {
        const std::lock_guard lock(error_mutex_);
        if (!error_) error_ = std::current_exception();
      }
      pending_.fetch_sub(1, std::memory_order_acq_rel);
      return true;
    }
  }

  std::vector<Share> shares_;  // of each thread, the caller's first
  std::vector<std::thread> threads_;
  uint32_t job_ = 0;
  std::atomic<uint32_t> epoch_{0};
  std::atomic<bool> stopping_{false};
  alignas(64) std::atomic<int64_t> pending_{0};
  std::atomic<detail::ChunkFunction> function_{nullptr};
  std::atomic<void*> context_{nullptr};
  std::atomic<int64_t> count_{0};
  std::atomic<int64_t> grain_{1};
  std::mutex error_mutex_;
  std::exception_ptr error_;
};

thread_local bool inside_parallel_for = false;

void Pool::work(size_t thread) {
  inside_parallel_for = true;
  while (!stopping_.load(std::memory_order_acquire)) {
    const uint32_t seen = epoch_.load(std::memory_order_acquire);
    run_share(thread);
    for (int spin = 0; spin < spins_before_sleep && epoch_.load(std::memory_order_acquire) == seen; ++spin) relax();
    if (epoch_.load(std::memory_order_acquire) == seen && !stopping_.load(std::memory_order_acquire)) {
      epoch_.wait(seen, std::memory_order_acquire);
    }
  }
}

int available_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof(set), &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

int default_thread_count() {
  if (const char* text = std::getenv("FOVEA_THREADS"); text != nullptr) {
    const int threads = std::atoi(text);
    if (threads >= 1 && threads <= 1024) return threads;
  }
  return available_cpus();
}

std::mutex pool_mutex;  // held while a job runs; also guards the two below
std::unique_ptr<Pool> pool;
std::atomic<int> threads{0};

}  // namespace

int thread_count() {
  int current = threads.load(std::memory_order_relaxed);
  if (current == 0) {
    threads.compare_exchange_strong(current, default_thread_count(), std::memory_order_relaxed);
    current = threads.load(std::memory_order_relaxed);
  }
  return current;
}

void set_thread_count(int count) {
  if (count < 1 || count > 1024) {
    throw Error(ErrorKind::usage, fmt::format("threads must be between 1 and 1024, got {}", count));
  }
  const std::lock_guard lock(pool_mutex);
  if (count == threads.load(std::memory_order_relaxed)) return;
  pool.reset();
  threads.store(count, std::memory_order_relaxed);
}

void detail::parallel_for_chunks(int64_t count, int64_t grain, ChunkFunction function, void* context) {
  if (count <= 0) return;
  grain = std::max({grain, int64_t{1}, (count + max_chunks - 1) / max_chunks});
  const int64_t chunks = (count + grain - 1) / grain;
  const auto run_inline = [&] {
    for (int64_t begin = 0; begin < count; begin += grain) function(context, begin, std::min(begin + grain, count));
  };
  if (chunks == 1 || inside_parallel_for || thread_count() == 1) return run_inline();
  const std::unique_lock lock(pool_mutex, std::try_to_lock);
  if (!lock.owns_lock()) return run_inline();  // another thread of the program has the pool
  if (!pool) pool = std::make_unique<Pool>(thread_count());
  inside_parallel_for = true;
  try {
    pool->run(count, grain, chunks, function, context);
  } catch (...) {
    inside_parallel_for = false;
    throw;
  }
  inside_parallel_for = false;
}

}  // namespace fovea
