// Memory that the processes of one machine map together: a control block a rank, and room for what a rank lets the others read.
//
// It has no name in any folder: rank 0 makes a file in memory (memfd) and holds it open, the others open it by rank 0's place in /proc. So nothing is left behind, at whatever
// moment a process is killed. Linux alone has that; elsewhere, and where a process may not look at another one, ranks do without.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace omma {

// What a rank is about to do, so that the others notice when they do something else.
struct Call {
  uint32_t kind = 0;
  uint32_t dtype = 0;
  uint32_t op = 0;
  uint32_t root = 0;
  uint64_t count = 0;
};

struct alignas(128) Control {
  // How many meetings this rank has come to.
  std::atomic<uint64_t> arrived;
  // Set when it comes to none any more.
  std::atomic<uint32_t> gone;
  // Of the collective under way; written before the arrival that tells of it.
  Call call;
};
static_assert(std::atomic<uint64_t>::is_always_lock_free, "an atomic with a lock works in one process only");

class Segment {
 public:
  // Bytes of a tensor that go through the memory at once: small enough to stay in the caches of all ranks, large enough that two meetings are cheap beside it.
  static constexpr size_t kChunk = size_t{1} << 20;

  // More would have less than a line of a chunk each.
  static constexpr int kMostRanks = kChunk / 64;

  // Makes the memory for `size` ranks, which is called `name` where the others open it. Throws std::runtime_error.
  static Segment make(const std::string& name, int size);
  // Maps what another process has made: `place` is where it says, `name` what it must find there. Throws std::runtime_error where it does not, as on another machine.
  static Segment open(const std::string& place, const std::string& name, int size);
  Segment(Segment&& other) noexcept;
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  ~Segment();

  // Where other processes open what this one has made, until `close`.
  std::string place() const;
  // Nobody else opens it from here on; it goes when the last one that has opened it ends.
  void close();

  Control& control(int rank) const;
  // kChunk bytes that `rank` writes before it meets the others, who read them before they meet again.
  char* given(int rank) const;
  // kChunk / size bytes and a little more: its part of a result, written between two meetings, read after the second.
  char* result(int rank) const;

 private:
  // Takes the file over.
  Segment(int file, int size);
  void map();

  int file_ = -1;
  char* memory_ = nullptr;
  size_t bytes_ = 0;
  int size_ = 0;
};

}  // namespace omma
