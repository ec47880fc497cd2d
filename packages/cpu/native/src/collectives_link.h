// The device's connection with the other processes of a training run: the table of a collective engine (omma_collectives.h), and the collectives that
// a program has under way. Used on the worker thread, but for `attached` and `abort`.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "omma_collectives.h"
#include "tensor.h"

namespace omma {

class CollectivesLink {
 public:
  // `sameLayouts`: the other ranks have the same processor and library, so that they keep a value in the same order. Throws
  // std::runtime_error for a table of another version.
  void attach(const OmmaCollectives* table, bool sameLayouts);
  bool attached() const { return table_.load() != nullptr; }
  int size() const;
  bool sameLayouts() const { return sameLayouts_; }

  // In place; returns when it is done. Throws with the engine's reason.
  void allReduce(void* data, int64_t count, DType dtype, int op);
  // The sum over all ranks is handed over in pieces, `count` elements from `begin` on at `values`; `data` stays as it is. Only where the engine `hands` over.
  using Take = std::function<void(const void* values, int64_t begin, int64_t count)>;
  bool hands() const { return table().allReduceAndTake != nullptr; }
  void sumAndTake(const void* data, int64_t count, DType dtype, const Take& take);
  void broadcast(void* data, size_t bytes, int root);
  void allGather(const void* source, void* target, size_t bytes);
  void reduceScatter(const void* source, void* target, int64_t count, DType dtype, int op);
  void barrier();

  // A sum in two halves, known by a number: `data` belongs to the engine in between.
  void startSum(int64_t id, void* data, int64_t count, DType dtype);
  void finish(int64_t id);
  // Waits for what a program that failed has left under way.
  void drain() noexcept;

  // Ends what waits for other ranks. From any thread.
  void abort(const char* reason);

 private:
  const OmmaCollectives& table() const;
  void wait(uint64_t ticket);

  std::atomic<const OmmaCollectives*> table_{nullptr};
  bool sameLayouts_ = false;
  std::map<int64_t, uint64_t> tickets_;
};

}  // namespace omma
