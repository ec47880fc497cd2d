// See shared_engine.h.
#include "shared/shared_engine.h"

#include <algorithm>
#include <cstring>
#include <future>
#include <string>
#include <thread>

#include "reduce.h"
#include "shared/parallel.h"

namespace omma {

namespace {

enum Kind : uint32_t { kAllReduce = 1, kBroadcast, kAllGather, kReduceScatter, kBarrier };

const char* nameOf(uint32_t kind) {
  switch (kind) {
    case kAllReduce:
      return "allReduce";
    case kBroadcast:
      return "broadcast";
    case kAllGather:
      return "allGather";
    case kReduceScatter:
      return "reduceScatter";
    case kBarrier:
      return "barrier";
    default:
      return "nothing";
  }
}

// In the order of core's lists.
constexpr const char* kDTypes[] = {"float32", "float16", "bfloat16", "int32", "uint32", "uint8", "bool"};
constexpr const char* kOps[] = {"sum", "prod", "max", "min"};

// What another process wrote is a place in a list only after a look at it.
template <size_t N>
const char* named(const char* const (&names)[N], uint32_t index) {
  return index < N ? names[index] : "unknown";
}

std::string described(const Call& call) {
  if (call.kind == kBarrier) return nameOf(call.kind);
  const bool reduces = call.kind == kAllReduce || call.kind == kReduceScatter;
  return std::string(nameOf(call.kind)) + " of " + std::to_string(call.count) +
         (reduces ? std::string(" ") + named(kDTypes, call.dtype) + " by " + named(kOps, call.op) : " bytes") +
         (call.kind == kBroadcast ? " from rank " + std::to_string(call.root) : "");
}

// How `count` elements are divided between the ranks: whole lines of 64 bytes of the narrowest elements, so that no two ranks write one line.
struct Parts {
  size_t count;
  size_t each;
  Parts(size_t elements, int size) : count(elements), each((elements / static_cast<size_t>(size) + 64) / 64 * 64) {}
  size_t begin(int rank) const { return std::min(count, each * static_cast<size_t>(rank)); }
  size_t length(int rank) const { return begin(rank + 1) - begin(rank); }
};

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// How long a rank that waits keeps its processor: a chunk's work takes less.
constexpr std::chrono::microseconds kSpin{300};

// Elements that are combined and copied on while they lie in the nearest cache.
constexpr size_t kBlock = 4096;

}  // namespace

SharedEngine::SharedEngine(Segment segment, int rank, int size, std::chrono::milliseconds timeout)
    : segment_(std::move(segment)), rank_(rank), size_(size), timeout_(timeout) {
  // On the engine's own thread: later a device that waits may be the one who takes a job.
  std::promise<void> ready;
  start([&ready] {
    useOneThread();
    ready.set_value();
  });
  ready.get_future().wait();
}

SharedEngine::~SharedEngine() {
  segment_.control(rank_).gone.store(1, std::memory_order_release);
  stop();
}

void SharedEngine::announce(const Call& call) { segment_.control(rank_).call = call; }

void SharedEngine::meet(bool alike) {
  const uint64_t meeting = ++meetings_;
  segment_.control(rank_).arrived.store(meeting, std::memory_order_release);
  const auto begin = Clock::now();
  try {
    for (int other = 0; other < size_; other++) {
      if (other == rank_) continue;
      waitFor(other, meeting, begin);
      if (alike) compare(other);
    }
  } catch (...) {
    // The others need not wait for their timeouts.
    segment_.control(rank_).gone.store(1, std::memory_order_release);
    throw;
  }
}

void SharedEngine::waitFor(int other, uint64_t meeting, Clock::time_point begin) {
  const Control& control = segment_.control(other);
  const auto there = [&] { return control.arrived.load(std::memory_order_acquire) >= meeting; };
  // Ranks work at the same pace, so mostly the other is there soon, and whoever sleeps comes back late.
  do {
    for (int i = 0; i < 100; i++) {
      if (there()) return;
      pause();
    }
  } while (Clock::now() - begin < kSpin);
  for (;;) {
    // In this order: one that has left may have come before.
    const bool gone = control.gone.load(std::memory_order_acquire) != 0;
    if (there()) return;
    if (interrupted_) throw std::runtime_error("this process has left the run");
    if (gone) throw std::runtime_error("rank " + std::to_string(other) + " has left the run");
    const auto waited = Clock::now() - begin;
    if (waited > timeout_) {
      throw std::runtime_error("Timed out: rank " + std::to_string(other) + " has not taken part in " +
                               described(segment_.control(rank_).call) + " for " + std::to_string(timeout_.count()) + " ms");
    }
    // Late by an eighth of what was waited anyway, and a thread that waits for a checkpoint to be written takes no processor's time. Yielding instead would give
    // the processor to programs of lower priority for milliseconds.
    std::this_thread::sleep_for(std::min<Clock::duration>(waited / 8, std::chrono::milliseconds(1)));
  }
}

// The other one cannot go on to its next collective before this rank has come to the second meeting of this one.
void SharedEngine::compare(int other) {
  const Call& mine = segment_.control(rank_).call;
  const Call& theirs = segment_.control(other).call;
  if (mine.kind == theirs.kind && mine.dtype == theirs.dtype && mine.op == theirs.op && mine.root == theirs.root &&
      mine.count == theirs.count) {
    return;
  }
  throw std::runtime_error("the ranks call different collectives: rank " + std::to_string(rank_) + " calls " + described(mine) +
                           ", rank " + std::to_string(other) + " calls " + described(theirs));
}

void SharedEngine::combine(char* to, const char* own, size_t offset, size_t count, size_t width, ReduceFunction function) {
  if (size_ == 1) {
    std::memcpy(to, own, count * width);
    return;
  }
  const auto of = [&](int rank) { return rank == rank_ ? own : segment_.given(rank) + offset; };
  function(to, of(0), of(1), count);
  for (int rank = 2; rank < size_; rank++) function(to, to, of(rank), count);
}

template <typename Taken>
void SharedEngine::reduceChunks(const void* data, size_t count, int dtype, int op, Taken taken) {
  const ReduceFunction function = reduceFunction(dtype, op);
  const size_t width = byteSize(dtype);
  const size_t most = Segment::kChunk / width;
  announce({kAllReduce, static_cast<uint32_t>(dtype), static_cast<uint32_t>(op), 0, count});
  const char* at = static_cast<const char*>(data);
  for (size_t done = 0; done == 0 || done < count; done += most, at += most * width) {
    const Parts parts(std::min(most, count - done), size_);
    for (int other = 0; other < size_; other++) {
      const size_t begin = parts.begin(other) * width;
      if (other != rank_) parallelCopy(segment_.given(rank_) + begin, at + begin, parts.length(other) * width);
    }
    meet(done == 0);
    const size_t begin = parts.begin(rank_) * width;
    inParallel(parts.length(rank_), kBlock, [&](size_t from, size_t to) {
      for (size_t i = from; i < to; i += kBlock) {
        const size_t offset = begin + i * width;
        combine(segment_.result(rank_) + i * width, at + offset, offset, std::min(kBlock, to - i), width, function);
      }
    });
    meet(false);
    for (int rank = 0; rank < size_; rank++) taken(rank, done + parts.begin(rank), parts.length(rank));
  }
}

void SharedEngine::doAllReduce(void* data, size_t count, int dtype, int op) {
  const size_t width = byteSize(dtype);
  reduceChunks(data, count, dtype, op, [&](int rank, size_t first, size_t length) {
    parallelCopy(static_cast<char*>(data) + first * width, segment_.result(rank), length * width);
  });
}

void SharedEngine::doAllReduceAndTake(const void* data, size_t count, int dtype, int op, const Take& take) {
  reduceChunks(data, count, dtype, op, [&](int rank, size_t first, size_t length) {
    if (length > 0) take(segment_.result(rank), first, length);
  });
}

void SharedEngine::doBroadcast(void* data, size_t bytes, int root) {
  announce({kBroadcast, 0, 0, static_cast<uint32_t>(root), bytes});
  char* at = static_cast<char*>(data);
  for (size_t done = 0; done == 0 || done < bytes; done += Segment::kChunk) {
    const size_t part = std::min(Segment::kChunk, bytes - done);
    if (rank_ == root) parallelCopy(segment_.given(root), at + done, part);
    meet(done == 0);
    if (rank_ != root) parallelCopy(at + done, segment_.given(root), part);
    meet(false);
  }
}

void SharedEngine::doAllGather(const void* source, void* target, size_t bytes) {
  announce({kAllGather, 0, 0, 0, bytes});
  const char* from = static_cast<const char*>(source);
  char* to = static_cast<char*>(target);
  for (size_t done = 0; done == 0 || done < bytes; done += Segment::kChunk) {
    const size_t part = std::min(Segment::kChunk, bytes - done);
    parallelCopy(segment_.given(rank_), from + done, part);
    meet(done == 0);
    for (int rank = 0; rank < size_; rank++) {
      parallelCopy(to + static_cast<size_t>(rank) * bytes + done, segment_.given(rank), part);
    }
    meet(false);
  }
}

void SharedEngine::doReduceScatter(const void* source, void* target, size_t count, int dtype, int op) {
  const ReduceFunction function = reduceFunction(dtype, op);
  const size_t width = byteSize(dtype);
  // A whole number of lines a part, so that elements stay where their width wants them.
  const size_t most = Segment::kChunk / static_cast<size_t>(size_) / 64 * 64 / width;
  announce({kReduceScatter, static_cast<uint32_t>(dtype), static_cast<uint32_t>(op), 0, count});
  const char* from = static_cast<const char*>(source);
  char* to = static_cast<char*>(target);
  const auto place = [&](int rank) { return static_cast<size_t>(rank) * most * width; };
  for (size_t done = 0; done == 0 || done < count; done += most) {
    const size_t part = std::min(most, count - done);
    const auto own = [&](int rank) { return from + (static_cast<size_t>(rank) * count + done) * width; };
    for (int other = 0; other < size_; other++) {
      if (other != rank_) parallelCopy(segment_.given(rank_) + place(other), own(other), part * width);
    }
    meet(done == 0);
    inParallel(part, kBlock, [&](size_t begin, size_t end) {
      const size_t bytes = begin * width;
      combine(to + done * width + bytes, own(rank_) + bytes, place(rank_) + bytes, end - begin, width, function);
    });
    meet(false);
  }
}

void SharedEngine::doBarrier() {
  announce({kBarrier, 0, 0, 0, 0});
  meet(true);
  meet(false);
}

bool SharedEngine::interrupt() {
  interrupted_ = true;
  segment_.control(rank_).gone.store(1, std::memory_order_release);
  return true;
}

}  // namespace omma
