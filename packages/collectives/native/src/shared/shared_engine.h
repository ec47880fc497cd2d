// Collectives between the processes of one machine, through memory that they share. Nothing has to be sent, so a sum costs what reading and writing it costs, and that costs
// a processor's time whoever does it: a device that waits for a sum does it itself, with its own threads (`helps`), and nobody is woken.
//
// Values go through the memory in chunks that stay in the caches. Two meetings a chunk: what the others need of mine is there; my part of the result is there.
#pragma once

#include <chrono>

#include "engine.h"
#include "reduce.h"
#include "shared/segment.h"

namespace omma {

class SharedEngine : public Engine {
 public:
  SharedEngine(Segment segment, int rank, int size, std::chrono::milliseconds timeout);
  ~SharedEngine() override;

  Segment& segment() { return segment_; }

 protected:
  void doAllReduce(void* data, size_t count, int dtype, int op) override;
  void doAllReduceAndTake(const void* data, size_t count, int dtype, int op, const Take& take) override;
  void doBroadcast(void* data, size_t bytes, int root) override;
  void doAllGather(const void* source, void* target, size_t bytes) override;
  void doReduceScatter(const void* source, void* target, size_t count, int dtype, int op) override;
  void doBarrier() override;
  bool interrupt() override;
  bool helps() const override { return true; }

 private:
  using Clock = std::chrono::steady_clock;

  // Begins a collective: what this rank will do.
  void announce(const Call& call);
  // Waits until all ranks have come. Throws when one does not. `compare`: they must have announced the same.
  void meet(bool compare);
  // Until `other` has come too; `begin` is when this rank came, so that all of them together have one timeout.
  void waitFor(int other, uint64_t meeting, Clock::time_point begin);
  void compare(int other);
  // The sums of an all-reduce, chunk by chunk: taken(rank, first, length) when the elements from `first` on lie in that rank's `result`, until it returns.
  template <typename Taken>
  void reduceChunks(const void* data, size_t count, int dtype, int op, Taken taken);
  // Combines the ranks' values of one place, `width` bytes each, in rank order into `to`; this rank's own are at `own`, the others' `offset` bytes into what they have given.
  void combine(char* to, const char* own, size_t offset, size_t count, size_t width, ReduceFunction function);

  Segment segment_;
  const int rank_;
  const int size_;
  const std::chrono::milliseconds timeout_;
  uint64_t meetings_ = 0;
  std::atomic<bool> interrupted_{false};
};

}  // namespace omma
