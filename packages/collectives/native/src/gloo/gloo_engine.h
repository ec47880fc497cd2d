// Collectives by Gloo over TCP. Addresses are exchanged by whoever makes it: each rank listens once for every other rank, hands all its
// addresses out, and connects when it has those of the others.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "engine.h"

namespace omma {

class GlooContext;

class GlooEngine : public Engine {
 public:
  // Listens on the address `host` of this machine. Throws std::exception.
  GlooEngine(int rank, int size, std::chrono::milliseconds timeout, const std::string& host);
  ~GlooEngine() override;
  // Where the others reach this rank: the addresses for all other ranks in rank order, one after the other.
  const std::vector<char>& addresses() const { return addresses_; }
  // Connects with all ranks, given what `addresses` says on each. On the engine's thread.
  void connect(const std::vector<std::vector<char>>& all);

 protected:
  void doAllReduce(void* data, size_t count, int dtype, int op) override;
  void doBroadcast(void* data, size_t bytes, int root) override;
  void doAllGather(const void* source, void* target, size_t bytes) override;
  void doReduceScatter(const void* source, void* target, size_t count, int dtype, int op) override;
  void doBarrier() override;
  bool interrupt() override;

 private:
  const int rank_;
  const int size_;
  const std::chrono::milliseconds timeout_;
  std::shared_ptr<GlooContext> context_;
  std::vector<char> addresses_;
  uint32_t tag_ = 0;
};

}  // namespace omma
