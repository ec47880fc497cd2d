// What the engines have in common: one thread that carries out collectives in the order in which they were asked for, tickets to wait
// for them, and a failure that stays. Gloo and MPI say only how one collective is done.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "omma_collectives.h"

namespace omma {

class Engine {
 public:
  Engine();
  virtual ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  using Work = std::function<void()>;
  // Called on the engine's thread: empty, or why it failed.
  using Done = std::function<void(const std::string&)>;

  // Gives the engine's thread something to do; the ticket to wait for it.
  uint64_t start(Work work, Done done = nullptr);
  // Empty, or why the work of this ticket failed.
  std::string wait(uint64_t ticket);
  // From here on everything fails with this reason; the first one stays. What waits for other ranks ends. True when the thread may still hang in
  // the library: the engine must then live as long as the process.
  bool abort(const std::string& reason);
  std::string failure();
  // Finishes what was given and ends the thread. Subclasses call it in their destructor, while their own members still live.
  void stop();

  uint64_t allReduce(void* data, size_t count, int dtype, int op, Done done = nullptr);
  uint64_t broadcast(void* data, size_t bytes, int root, Done done = nullptr);
  uint64_t allGather(const void* source, void* target, size_t bytes, Done done = nullptr);
  uint64_t reduceScatter(const void* source, void* target, size_t count, int dtype, int op, Done done = nullptr);
  uint64_t barrier(Done done = nullptr);

  // For native code of other libraries; lives as long as the engine.
  const OmmaCollectives* table(int rank, int size);

 protected:
  // On the engine's thread. They throw std::exception.
  virtual void doAllReduce(void* data, size_t count, int dtype, int op) = 0;
  virtual void doBroadcast(void* data, size_t bytes, int root) = 0;
  virtual void doAllGather(const void* source, void* target, size_t bytes) = 0;
  virtual void doReduceScatter(const void* source, void* target, size_t count, int dtype, int op) = 0;
  virtual void doBarrier() = 0;
  // Ends a collective under way, from another thread. False when that cannot be done: the thread is left behind then.
  virtual bool interrupt() = 0;

 private:
  struct Job {
    Work work;
    Done done;
  };
  void loop();

  std::mutex mutex_;
  std::condition_variable wake_;      // there is something to do
  std::condition_variable progress_;  // something was done
  std::deque<Job> jobs_;
  uint64_t given_ = 0;
  uint64_t done_ = 0;
  uint64_t failedFrom_ = UINT64_MAX;  // the first ticket that failed
  std::string failure_;
  bool stopping_ = false;
  bool running_ = false;  // a job is under way
  bool abandoned_ = false;
  OmmaCollectives table_{};
  std::thread thread_;
};

size_t byteSize(int dtype);

}  // namespace omma
