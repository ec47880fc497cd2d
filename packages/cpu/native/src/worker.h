// The device's one thread. Everything that touches tensors or oneDNN happens on it, in the order in which it was asked for,
// so nothing below needs a lock and Node's event loop stays free.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <queue>
#include <thread>

namespace omma {

class Worker {
 public:
  explicit Worker(int threads);  // OpenMP threads that jobs use
  ~Worker();                     // finishes the jobs that were given
  void push(std::function<void()> job);
  int threads() const { return threads_; }

 private:
  void loop();
  int threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::queue<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace omma
