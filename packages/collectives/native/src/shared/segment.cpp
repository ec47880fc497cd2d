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

#ifdef __linux__

// All of it now: a file in memory that has no room when it is first written would kill the process.
void allocate(int file, size_t bytes) {
  const auto length = static_cast<off_t>(bytes);
  if (ftruncate(file, length) != 0) fail("cannot set its size", errno);
  int code = EINTR;
  while (code == EINTR) code = posix_fallocate(file, 0, length);
  if (code != 0) fail("no room for " + std::to_string((bytes >> 20) + 1) + " MiB", code);
}

// What /proc calls a file in memory that was made as `name`.
std::string linkOf(const std::string& name) { return "/memfd:" + name + " (deleted)"; }

int make(const std::string& name) {
  const int file = memfd_create(name.c_str(), MFD_CLOEXEC);
  if (file < 0) fail("cannot make it", errno);
  return file;
}

// On another machine, or in a container with processes of its own, nothing or something else is in this place: that is looked at, never opened.
int find(const std::string& place, const std::string& name) {
  char found[256];
  const ssize_t length = readlink(place.c_str(), found, sizeof(found));
  const std::string hint = " (ranks in containers see each other with docker run --pid=host)";
  if (length < 0) fail("cannot open " + place + hint, errno);
  if (std::string(found, static_cast<size_t>(length)) != linkOf(name)) {
    throw std::runtime_error("shared memory: cannot open " + place + ", which is another file" + hint);
  }
  const int file = ::open(place.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) fail("cannot open " + place + hint, errno);
  return file;
}

#else

void allocate(int, size_t) {}
int make(const std::string&) { throw std::runtime_error("shared memory: ranks share it on Linux alone"); }
int find(const std::string&, const std::string&) { return make(""); }

#endif

void checkSize(int size) {
  if (size < 1 || size > Segment::kMostRanks) {
    throw std::runtime_error("shared memory: for 1 to " + std::to_string(Segment::kMostRanks) + " ranks, but there are " + std::to_string(size));
  }
}

}  // namespace

Segment Segment::make(const std::string& name, int size) {
  checkSize(size);
  Segment made(omma::make(name), size);
  allocate(made.file_, made.bytes_);
  made.map();
  for (int rank = 0; rank < size; rank++) new (&made.control(rank)) Control{};
  return made;
}

Segment Segment::open(const std::string& place, const std::string& name, int size) {
  checkSize(size);
  Segment opened(find(place, name), size);
  struct stat found {};
  if (fstat(opened.file_, &found) != 0) fail("cannot read the size of " + place, errno);
  if (static_cast<size_t>(found.st_size) < opened.bytes_) throw std::runtime_error("shared memory: " + place + " is of another version of Omma");
  opened.map();
  opened.close();
  return opened;
}

Segment::Segment(int file, int size) : file_(file), bytes_(controlBytes(size) + rankBytes(size) * static_cast<size_t>(size)), size_(size) {}

void Segment::map() {
  void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
  if (memory == MAP_FAILED) fail("cannot map it", errno);
  memory_ = static_cast<char*>(memory);
}

Segment::Segment(Segment&& other) noexcept
    : file_(std::exchange(other.file_, -1)), memory_(std::exchange(other.memory_, nullptr)), bytes_(other.bytes_), size_(other.size_) {}

Segment::~Segment() {
  close();
  if (memory_ != nullptr) munmap(memory_, bytes_);
}

std::string Segment::place() const { return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(file_); }

void Segment::close() {
  if (file_ >= 0) ::close(std::exchange(file_, -1));
}

Control& Segment::control(int rank) const { return reinterpret_cast<Control*>(memory_)[rank]; }

char* Segment::given(int rank) const { return memory_ + controlBytes(size_) + rankBytes(size_) * static_cast<size_t>(rank); }

char* Segment::result(int rank) const { return given(rank) + kChunk; }

}  // namespace omma
