// See segment.h.
#include "shared/segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

namespace omma {

namespace {

constexpr size_t kPage = 16384;  // the largest page of today's machines

size_t roundUp(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

size_t controlBytes(int size) { return roundUp(sizeof(Control) * static_cast<size_t>(size), kPage); }
// A part is rounded up to 64 elements of at most four bytes.
size_t resultBytes(int size) { return roundUp(Segment::kChunk / static_cast<size_t>(size) + 256, kPage); }
size_t rankBytes(int size) { return Segment::kChunk + resultBytes(size); }

[[noreturn]] void fail(const std::string& what, int code) {
  throw std::runtime_error("shared memory: " + what + ": " + std::strerror(code));
}

// All of it now: a file in memory that has no room when it is first written would kill the process.
void allocate(int file, size_t bytes) {
  const auto length = static_cast<off_t>(bytes);
  if (ftruncate(file, length) != 0) fail("cannot set its size", errno);
#ifdef __linux__
  int code = EINTR;
  while (code == EINTR) code = posix_fallocate(file, 0, length);
  if (code != 0) fail("no room for " + std::to_string((bytes >> 20) + 1) + " MiB in /dev/shm (docker run --shm-size gives a container more)", code);
#endif
}

}  // namespace

Segment Segment::make(const std::string& name, int size) {
  const int file = shm_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR, S_IRUSR | S_IWUSR);
  if (file < 0) fail("cannot make " + name, errno);
  try {
    return Segment(file, name, size, true);
  } catch (...) {
    unlink(name);
    throw;
  }
}

Segment Segment::open(const std::string& name, int size) {
  const int file = shm_open(name.c_str(), O_RDWR, 0);
  if (file < 0) fail("cannot open " + name, errno);
  return Segment(file, name, size, false);
}

Segment::Segment(int file, const std::string& name, int size, bool fresh)
    : bytes_(controlBytes(size) + rankBytes(size) * static_cast<size_t>(size)), size_(size) {
  try {
    if (fresh) allocate(file, bytes_);
    struct stat found {};
    if (fstat(file, &found) != 0) fail("cannot read the size of " + name, errno);
    if (static_cast<size_t>(found.st_size) < bytes_) throw std::runtime_error("shared memory: " + name + " is of another version of Omma");
    void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) fail("cannot map " + name, errno);
    memory_ = static_cast<char*>(memory);
  } catch (...) {
    close(file);
    throw;
  }
  close(file);
  if (!fresh) return;
  for (int rank = 0; rank < size_; rank++) new (&control(rank)) Control{};
}

Segment::Segment(Segment&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)), bytes_(other.bytes_), size_(other.size_) {}

Segment::~Segment() {
  if (memory_ != nullptr) munmap(memory_, bytes_);
}

void Segment::unlink(const std::string& name) { shm_unlink(name.c_str()); }

Control& Segment::control(int rank) const { return reinterpret_cast<Control*>(memory_)[rank]; }

char* Segment::given(int rank) const { return memory_ + controlBytes(size_) + rankBytes(size_) * static_cast<size_t>(rank); }

char* Segment::result(int rank) const { return given(rank) + kChunk; }

}  // namespace omma
