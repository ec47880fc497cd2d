// What the engines have in common: one thread that carries out collectives in the order in which they were asked for, tickets to wait
// for them, and a failure that stays. Gloo, MPI and shared memory say only how one collective is done.
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

  // Gives the engine something to do; the ticket to wait for it. With `later` its thread is not woken: whoever waits does the work.
  uint64_t start(Work work, Done done = nullptr, bool later = false);
  // Empty, or why the work of this ticket failed. Where the engine `helps`, the caller does what is left to do before it.
  std::string wait(uint64_t ticket);
  // From here on everything fails with this reason; the first one stays. What waits for other ranks ends. True when the thread may still hang in
  // the library: the engine must then live as long as the process.
  bool abort(const std::string& reason);
  std::string failure();
  // Finishes what was given and ends the thread. Subclasses call it in their destructor, while their own members still live.
  void stop();

  // Gets `count` elements of a result from `begin` on; the first lies at `values`, until it returns.
  using Take = std::function<void(const void* values, size_t begin, size_t count)>;
  // Of an engine that `helps`: an allReduce that leaves `data` as it is and hands its result over in pieces. Blocks; gives what `wait` gives.
  std::string allReduceAndTake(const void* data, size_t count, int dtype, int op, const Take& take);

  // Without `done` the caller waits for the ticket.
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
  // Of engines that `helps`.
  virtual void doAllReduceAndTake(const void*, size_t, int, int, const Take&) { throw std::logic_error("this engine keeps its results"); }
  virtual void doBroadcast(void* data, size_t bytes, int root) = 0;
  virtual void doAllGather(const void* source, void* target, size_t bytes) = 0;
  virtual void doReduceScatter(const void* source, void* target, size_t count, int dtype, int op) = 0;
  virtual void doBarrier() = 0;
  // Ends a collective under way, from another thread. False when that cannot be done: the thread is left behind then.
  virtual bool interrupt() = 0;
  // True where a caller who waits may carry out collectives itself: then native code's calls wake nobody.
  virtual bool helps() const { return false; }

 private:
  struct Job {
    Work work;
    Done done;
    bool later;
  };
  void loop();
  // A collective: left to whoever waits for it, where nobody is told.
  uint64_t give(Work work, Done done);
  // Takes the first job and does it; `lock` is held before and afterwards, and no job is under way.
  void runNext(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable wake_;      // there is something to do
  std::condition_variable progress_;  // something was done
  std::deque<Job> jobs_;
  size_t urgent_ = 0;  // how many of them nobody waits for
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
