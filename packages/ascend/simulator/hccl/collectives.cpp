#include "collectives.h"

#include <cstring>

#include "elements.h"

namespace hccl {

namespace {

using Bytes = std::vector<char>;

Header headerOf(const Operation& operation) {
  constexpr uint32_t kMagic = 0x4c434348;  // "HCCL"
  const bool reduces = operation.call == kAllReduceCall || operation.call == kReduceScatterCall || operation.call == kReduceCall;
  // What one rank sends the other receives.
  const bool between = operation.call == kSendCall || operation.call == kRecvCall;
  const uint32_t call = between ? kSendCall : operation.call;
  const uint32_t argument = reduces ? static_cast<uint32_t>(operation.op) : between ? 0 : operation.root;
  return {kMagic, call, 0, static_cast<uint32_t>(operation.type), argument, 0};
}

// Every other rank's transfer, as `make` says.
template <typename Make>
std::vector<Transfer> withAll(const Communicator& communicator, Make make) {
  std::vector<Transfer> out;
  for (uint32_t other = 0; other < communicator.size(); other++) {
    if (other != communicator.rank()) out.push_back(make(other));
  }
  return out;
}

char* at(void* base, uint64_t bytes) { return static_cast<char*>(base) + bytes; }

// The part of all ranks' vectors that begins at `first(rank)` of the sender, combined in rank order: this rank's result.
Bytes reducedPart(Communicator& communicator, const Operation& operation, const std::vector<uint64_t>& starts) {
  const uint64_t width = elementSize(operation.type);
  const uint32_t rank = communicator.rank();
  const auto bytesOf = [&](uint32_t owner) { return (starts[owner + 1] - starts[owner]) * width; };
  std::vector<Bytes> parts(communicator.size(), Bytes(bytesOf(rank)));
  communicator.exchangeWith(headerOf(operation), withAll(communicator, [&](uint32_t other) {
                              return Transfer{other, at(operation.send, starts[other] * width), bytesOf(other), parts[other].data(), bytesOf(rank)};
                            }));
  std::memcpy(parts[rank].data(), at(operation.send, starts[rank] * width), bytesOf(rank));
  for (uint32_t other = 1; other < communicator.size(); other++) {
    combine(parts[0].data(), parts[other].data(), starts[rank + 1] - starts[rank], operation.type, operation.op);
  }
  return std::move(parts[0]);
}

// Gives `mine` to all ranks, which put the parts of all at `starts` of `receive`.
void shareParts(Communicator& communicator, const Operation& operation, const Bytes& mine, const std::vector<uint64_t>& starts) {
  const uint64_t width = elementSize(operation.type);
  const auto bytesOf = [&](uint32_t owner) { return (starts[owner + 1] - starts[owner]) * width; };
  communicator.exchangeWith(headerOf(operation), withAll(communicator, [&](uint32_t other) {
                              return Transfer{other, mine.data(), mine.size(), at(operation.receive, starts[other] * width), bytesOf(other)};
                            }));
  std::memcpy(at(operation.receive, starts[communicator.rank()] * width), mine.data(), mine.size());
}

// Where each rank's part of `count` elements begins; one more for the end.
std::vector<uint64_t> evenStarts(uint32_t size, uint64_t count) {
  std::vector<uint64_t> starts(size + 1);
  for (uint32_t rank = 0; rank <= size; rank++) starts[rank] = count / size * rank + std::min<uint64_t>(rank, count % size);
  return starts;
}

std::vector<uint64_t> blockStarts(uint32_t size, uint64_t count) {
  std::vector<uint64_t> starts(size + 1);
  for (uint32_t rank = 0; rank <= size; rank++) starts[rank] = count * rank;
  return starts;
}

void allReduce(Communicator& communicator, const Operation& operation) {
  const std::vector<uint64_t> starts = evenStarts(communicator.size(), operation.count);
  shareParts(communicator, operation, reducedPart(communicator, operation, starts), starts);
}

void reduceScatter(Communicator& communicator, const Operation& operation) {
  const Bytes mine = reducedPart(communicator, operation, blockStarts(communicator.size(), operation.count));
  std::memcpy(operation.receive, mine.data(), mine.size());
}

void allGather(Communicator& communicator, const Operation& operation) {
  const uint64_t bytes = operation.count * elementSize(operation.type);
  const char* own = static_cast<const char*>(operation.send);
  shareParts(communicator, operation, Bytes(own, own + bytes), blockStarts(communicator.size(), operation.count));
}

void broadcast(Communicator& communicator, const Operation& operation) {
  const uint64_t bytes = operation.count * elementSize(operation.type);
  const uint32_t rank = communicator.rank();
  const bool sends = rank == operation.root;
  communicator.exchangeWith(headerOf(operation), withAll(communicator, [&](uint32_t other) {
                              return Transfer{other, operation.send, sends ? bytes : 0, operation.receive, other == operation.root ? bytes : 0};
                            }));
}

void reduce(Communicator& communicator, const Operation& operation) {
  const uint64_t bytes = operation.count * elementSize(operation.type);
  const bool receives = communicator.rank() == operation.root;
  std::vector<Bytes> parts(communicator.size(), Bytes(receives ? bytes : 0));
  communicator.exchangeWith(headerOf(operation), withAll(communicator, [&](uint32_t other) {
                              return Transfer{other, operation.send, other == operation.root ? bytes : 0, parts[other].data(), receives ? bytes : 0};
                            }));
  if (!receives) return;
  std::memcpy(parts[operation.root].data(), operation.send, bytes);
  for (uint32_t other = 1; other < communicator.size(); other++) combine(parts[0].data(), parts[other].data(), operation.count, operation.type, operation.op);
  std::memcpy(operation.receive, parts[0].data(), bytes);
}

void scatter(Communicator& communicator, const Operation& operation) {
  const uint64_t bytes = operation.count * elementSize(operation.type);
  const bool sends = communicator.rank() == operation.root;
  communicator.exchangeWith(headerOf(operation), withAll(communicator, [&](uint32_t other) {
                              return Transfer{other, at(operation.send, sends ? other * bytes : 0), sends ? bytes : 0, operation.receive,
                                              other == operation.root ? bytes : 0};
                            }));
  if (sends) std::memmove(operation.receive, at(operation.send, operation.root * bytes), bytes);
}

void allToAll(Communicator& communicator, const Operation& operation) {
  const uint64_t bytes = operation.count * elementSize(operation.type);
  communicator.exchangeWith(headerOf(operation), withAll(communicator, [&](uint32_t other) {
                              return Transfer{other, at(operation.send, other * bytes), bytes, at(operation.receive, other * bytes), bytes};
                            }));
  const uint64_t own = communicator.rank() * bytes;
  std::memcpy(at(operation.receive, own), at(operation.send, own), bytes);
}

}  // namespace

void carryOut(Communicator& communicator, const Operation& operation) {
  const uint64_t bytes = operation.count * elementSize(operation.type);
  switch (operation.call) {
    case kAllReduceCall:
      return allReduce(communicator, operation);
    case kBroadcastCall:
      return broadcast(communicator, operation);
    case kAllGatherCall:
      return allGather(communicator, operation);
    case kReduceScatterCall:
      return reduceScatter(communicator, operation);
    case kReduceCall:
      return reduce(communicator, operation);
    case kScatterCall:
      return scatter(communicator, operation);
    case kSendCall:
      return communicator.exchangeWith(headerOf(operation), {{operation.root, operation.send, bytes, nullptr, 0}});
    case kRecvCall:
      return communicator.exchangeWith(headerOf(operation), {{operation.root, nullptr, 0, operation.receive, bytes}});
    case kAlltoAllCall:
      return allToAll(communicator, operation);
    case kBarrierCall:
      return communicator.exchangeWith(headerOf(operation), withAll(communicator, [](uint32_t other) { return Transfer{other, nullptr, 0, nullptr, 0}; }));
  }
}

}  // namespace hccl
