// See gloo_engine.h.
#include "gloo/gloo_engine.h"

#include <gloo/allgather.h>
#include <gloo/allreduce.h>
#include <gloo/barrier.h>
#include <gloo/broadcast.h>
#include <gloo/transport/tcp/device.h>

#include <cstring>

#include "reduce.h"

namespace omma {

namespace {

// Beside the prefixes of Gloo's own collectives (gloo/types.h), so that messages of one cannot be taken for those of another.
constexpr uint8_t kReduceScatterSlot = 0x60;

}  // namespace

// gloo::Context leaves connecting to its rendezvous classes, whose stores block; here the addresses come from outside.
class GlooContext : public gloo::Context {
 public:
  GlooContext(int rank, int size, const std::string& host, std::chrono::milliseconds timeout) : gloo::Context(rank, size) {
    setTimeout(timeout);
    gloo::transport::tcp::attr attributes;
    attributes.hostname = host;
    device_ = gloo::transport::tcp::CreateDevice(attributes);
    transportContext_ = device_->createContext(rank, size);
    transportContext_->setTimeout(timeout);
    for (int other = 0; other < size; other++) {
      if (other != rank) transportContext_->createPair(other);
    }
  }

  std::vector<char> addresses() {
    std::vector<char> all;
    for (int other = 0; other < size; other++) {
      if (other == rank) continue;
      const std::vector<char> bytes = transportContext_->getPair(other)->address().bytes();
      all.insert(all.end(), bytes.begin(), bytes.end());
    }
    return all;
  }

  void connectAll(const std::vector<std::vector<char>>& all) {
    for (int other = 0; other < size; other++) {
      if (other == rank) continue;
      const std::vector<char>& theirs = all.at(other);
      const size_t bytes = theirs.size() / (size - 1);
      if (bytes == 0 || bytes * (size - 1) != theirs.size() || bytes != addresses().size() / (size - 1)) {
        throw std::runtime_error("the addresses of rank " + std::to_string(other) + " are no addresses of Gloo");
      }
      const size_t place = rank > other ? rank - 1 : rank;
      const auto from = theirs.begin() + static_cast<std::ptrdiff_t>(place * bytes);
      try {
        transportContext_->getPair(other)->connect(std::vector<char>(from, from + static_cast<std::ptrdiff_t>(bytes)));
      } catch (const std::exception& error) {
        throw std::runtime_error("cannot connect with rank " + std::to_string(other) + ": " + error.what());
      }
    }
  }
};

GlooEngine::GlooEngine(int rank, int size, std::chrono::milliseconds timeout, const std::string& host)
    : rank_(rank), size_(size), timeout_(timeout), context_(std::make_shared<GlooContext>(rank, size, host, timeout)) {
  addresses_ = context_->addresses();
}

GlooEngine::~GlooEngine() { stop(); }

void GlooEngine::connect(const std::vector<std::vector<char>>& all) { context_->connectAll(all); }

void GlooEngine::doAllReduce(void* data, size_t count, int dtype, int op) {
  if (count == 0) return;
  gloo::AllreduceOptions options(context_);
  // Gloo takes the element's size from the pointer's type, and no more.
  switch (byteSize(dtype)) {
    case 4:
      options.setOutput(static_cast<uint32_t*>(data), count);
      break;
    case 2:
      options.setOutput(static_cast<uint16_t*>(data), count);
      break;
    default:
      options.setOutput(static_cast<uint8_t*>(data), count);
  }
  options.setReduceFunction(reduceFunction(dtype, op));
  options.setTag(tag_++);
  options.setTimeout(timeout_);
  gloo::allreduce(options);
}

void GlooEngine::doBroadcast(void* data, size_t bytes, int root) {
  if (bytes == 0) return;
  gloo::BroadcastOptions options(context_);
  options.setOutput(static_cast<uint8_t*>(data), bytes);
  options.setRoot(root);
  options.setTag(tag_++);
  options.setTimeout(timeout_);
  gloo::broadcast(options);
}

void GlooEngine::doAllGather(const void* source, void* target, size_t bytes) {
  if (bytes == 0) return;
  gloo::AllgatherOptions options(context_);
  options.setInput(static_cast<uint8_t*>(const_cast<void*>(source)), bytes);
  options.setOutput(static_cast<uint8_t*>(target), bytes * size_);
  options.setTag(tag_++);
  options.setTimeout(timeout_);
  gloo::allgather(options);
}

// Gloo's reduce-scatter is an algorithm for powers of two with buffers of its own; this is its messages: each rank sends the others their parts and
// combines what it gets of its own, always in the same order, so that every run gets the same bits.
void GlooEngine::doReduceScatter(const void* source, void* target, size_t count, int dtype, int op) {
  if (count == 0) return;
  const ReduceFunction combine = reduceFunction(dtype, op);
  const size_t part = count * byteSize(dtype);
  auto* whole = static_cast<char*>(const_cast<void*>(source));
  std::memcpy(target, whole + part * rank_, part);
  std::vector<char> received(part);
  const auto from = context_->createUnboundBuffer(whole, part * size_);
  const auto to = context_->createUnboundBuffer(received.data(), part);
  const uint64_t slot = gloo::Slot::build(kReduceScatterSlot, tag_++);
  for (int step = 1; step < size_; step++) {
    const int next = (rank_ + step) % size_;
    const int last = (rank_ - step + size_) % size_;
    to->recv(last, slot, 0, part);
    from->send(next, slot, part * next, part);
    to->waitRecv(timeout_);
    combine(target, target, received.data(), count);
    from->waitSend(timeout_);
  }
}

void GlooEngine::doBarrier() {
  gloo::BarrierOptions options(context_);
  options.setTag(tag_++);
  options.setTimeout(timeout_);
  gloo::barrier(options);
}

// Closing tells the others, and from here on nothing is read or written any more; but what waits on a closed pair is not woken before its
// timeout, so the thread is left behind.
bool GlooEngine::interrupt() {
  context_->closeConnections();
  return false;
}

}  // namespace omma
