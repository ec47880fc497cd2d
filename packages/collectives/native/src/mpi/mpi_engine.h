// Collectives by Open MPI in MPI_COMM_WORLD. All calls of MPI are made on the engine's thread.
#pragma once

#include <atomic>

#include "engine.h"

namespace omma {

class MpiEngine : public Engine {
 public:
  ~MpiEngine() override;
  // Initialises MPI, and finalises it. On the engine's thread.
  void initialise();
  void finalise();
  int rank() const { return rank_; }
  int size() const { return size_; }

 protected:
  void doAllReduce(void* data, size_t count, int dtype, int op) override;
  void doBroadcast(void* data, size_t bytes, int root) override;
  void doAllGather(const void* source, void* target, size_t bytes) override;
  void doReduceScatter(const void* source, void* target, size_t count, int dtype, int op) override;
  void doBarrier() override;
  // MPI cannot take back a collective.
  bool interrupt() override { return false; }

 private:
  std::atomic<int> rank_{0};
  std::atomic<int> size_{1};
};

}  // namespace omma
