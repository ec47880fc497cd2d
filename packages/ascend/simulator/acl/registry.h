// Handles: what the caller holds for a stream, an event, a dataset... and how the simulator knows whether it still stands for something.
//
// A handle is an address in a reserved range that nothing is mapped to, and none is given twice. So a handle after its destruction, of another
// kind, or made up is recognised, where the real runtime would read freed memory; and a caller that looks behind a handle traps.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace sim {

// The next address; never one that was given before.
void* newHandle();

// True when newHandle gave this one out.
bool wasHandle(const void* handle);

// "0x7f12 (destroyed already)" or "0x7f12 (not a handle of this library)": for messages.
std::string describeDeadHandle(const void* handle);

template <typename T>
class Registry {
 public:
  void* add(std::shared_ptr<T> object) {
    void* handle = newHandle();
    const std::lock_guard<std::mutex> lock(mutex_);
    objects_.emplace(handle, std::move(object));
    return handle;
  }

  // Null when the handle stands for nothing (any more).
  std::shared_ptr<T> find(const void* handle) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = objects_.find(handle);
    return found == objects_.end() ? nullptr : found->second;
  }

  std::shared_ptr<T> remove(const void* handle) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = objects_.find(handle);
    if (found == objects_.end()) return nullptr;
    std::shared_ptr<T> object = std::move(found->second);
    objects_.erase(found);
    return object;
  }

  std::vector<std::pair<const void*, std::shared_ptr<T>>> all() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return {objects_.begin(), objects_.end()};
  }

  size_t size() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return objects_.size();
  }

  void clear() {
    std::unordered_map<const void*, std::shared_ptr<T>> gone;
    const std::lock_guard<std::mutex> lock(mutex_);
    gone.swap(objects_);
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<const void*, std::shared_ptr<T>> objects_;
};

}  // namespace sim
