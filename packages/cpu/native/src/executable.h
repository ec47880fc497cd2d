// A program bound to memory and state: what `run` runs. Lives on the worker thread.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "collectives_link.h"
#include "graph.h"
#include "execution_plan.h"
#include "state_buffer.h"

namespace omma {

// What all executables of one device share. Used on the worker thread, except for the counters.
struct DeviceContext {
  DeviceContext();
  CollectivesLink collectives;
  KernelTable kernels;
  Layouts layouts;
  dnnl::engine engine;
  dnnl::stream stream;
  std::shared_ptr<MemoryCount> memory;
  Arena arena;
  // Set from Node's thread when the process ends: the run under way stops after its step.
  std::atomic<bool> stopping{false};
  // Arena bytes that living executables need; the arena shrinks to the largest.
  std::vector<size_t> needs;
  void forget(size_t bytes);
};

struct NodeProfile {
  std::string op, scope, detail;
  double milliseconds, bytes, flops;
  int64_t runs;
};

class Executable {
 public:
  // Plans and gets memory. Throws std::runtime_error.
  Executable(std::shared_ptr<DeviceContext> device, GraphSpec graph, std::vector<std::shared_ptr<StateBuffer>> state,
             bool profile);
  ~Executable();
  Executable(const Executable&) = delete;
  Executable& operator=(const Executable&) = delete;
  // `inputs` and `outputs` in the order of the graph's ports.
  void run(const std::vector<const void*>& inputs, const std::vector<void*>& outputs);
  size_t bytes() const { return plan_.arenaBytes + plan_.persistentBytes; }
  std::vector<NodeProfile> profile() const;

 private:
  struct Copy {
    std::unique_ptr<Block> block;
    int64_t version = -1;
  };
  void settleState();
  std::unique_ptr<Block> reordered(const StateBuffer& buffer, const Layout& to);
  void bind(const std::vector<const void*>& inputs);
  void execute(std::vector<Step>& steps);

  std::shared_ptr<DeviceContext> device_;
  GraphSpec graph_;
  std::vector<std::shared_ptr<StateBuffer>> state_;
  bool profiling_;
  ExecutionPlan plan_;
  std::unique_ptr<Block> persistent_;
  std::vector<void*> pointers_;       // of each buffer
  std::vector<void*> slotPointers_;
  std::vector<Copy> copies_;          // of slots that another executable keeps in another layout
  std::vector<int64_t> seen_;         // versions of the state that the prologue has used
  bool fresh_ = true;
  int64_t runs_ = 0;
};

}  // namespace omma
