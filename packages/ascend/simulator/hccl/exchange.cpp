#include "exchange.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "elements.h"
#include "failure.h"

namespace hccl {

namespace {

constexpr int kPollMilliseconds = 50;
constexpr const char* kCalls[] = {"HcclAllReduce", "HcclBroadcast", "HcclAllGather", "HcclReduceScatter", "HcclReduce", "HcclScatter",
                                  "HcclSend",      "HcclRecv",      "HcclAlltoAll",  "HcclBarrier"};

// How far one transfer is. Header and bytes are one stream in each direction.
struct Progress {
  const Transfer* transfer;
  Link* link;
  Header mine;
  Header theirs;
  uint64_t sent = 0;
  uint64_t received = 0;
  bool gone = false;

  uint64_t toSend() const { return sizeof(Header) + transfer->outBytes; }
  uint64_t toReceive() const { return sizeof(Header) + transfer->inBytes; }
  bool done() const { return sent == toSend() && received == toReceive(); }
};

[[noreturn]] void inconsistent(const Progress& one, const char* parameter, const std::string& local, const std::string& remote) {
  throw Failure(kPara, kInconsistent,
                "The arguments for collective communication are inconsistent between ranks: tag [" + callName(one.mine.call) + "], parameter [" + parameter + "], local [" +
                    local + "], remote [" + remote + "]");
}

void compare(const Progress& one) {
  const Header& mine = one.mine;
  const Header& theirs = one.theirs;
  if (theirs.magic != mine.magic) inconsistent(one, "protocol", "hccl", "something else");
  if (theirs.call != mine.call) inconsistent(one, "operator", callName(mine.call), callName(theirs.call));
  if (theirs.sequence != mine.sequence) inconsistent(one, "sequence", std::to_string(mine.sequence), std::to_string(theirs.sequence));
  if (theirs.type != mine.type) inconsistent(one, "dataType", typeName(static_cast<int32_t>(mine.type)), typeName(static_cast<int32_t>(theirs.type)));
  if (theirs.argument != mine.argument) inconsistent(one, "op or root", std::to_string(mine.argument), std::to_string(theirs.argument));
  if (theirs.bytes != one.transfer->inBytes) inconsistent(one, "count", std::to_string(one.transfer->inBytes) + " bytes", std::to_string(theirs.bytes) + " bytes");
}

void lost(Progress& one, const ExchangeLimits& limits) {
  one.gone = true;
  if (limits.silentLoss) return;
  throw Failure(kRemote, kNotify,
                "The wait execution of the Notify register times out. Reason: The Notify register has not received the Notify record from remote rank: [" +
                    std::to_string(one.transfer->rank) + "]. The process of this rank is gone.");
}

// One send or receive of what is next, in the header or after it. False when the connection would block.
template <typename Byte, typename Operation>
bool move(Progress& one, uint64_t& done, uint64_t total, Byte* header, Byte* body, const ExchangeLimits& limits, Operation operation) {
  if (done == total) return false;
  const bool inHeader = done < sizeof(Header);
  Byte* at = inHeader ? header + done : body + (done - sizeof(Header));
  const uint64_t size = inHeader ? sizeof(Header) - done : total - done;
  const ssize_t moved = operation(one.link->socket.descriptor(), at, size);
  if (moved > 0) {
    done += static_cast<uint64_t>(moved);
    return true;
  }
  if (moved == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) lost(one, limits);
  return false;
}

void advance(Progress& one, const ExchangeLimits& limits) {
  const auto send = [](int descriptor, const char* data, size_t size) { return ::send(descriptor, data, size, MSG_NOSIGNAL); };
  const auto receive = [](int descriptor, char* data, size_t size) { return ::recv(descriptor, data, size, 0); };
  const char* mine = reinterpret_cast<const char*>(&one.mine);
  char* theirs = reinterpret_cast<char*>(&one.theirs);
  while (!one.gone && move(one, one.sent, one.toSend(), mine, static_cast<const char*>(one.transfer->out), limits, send)) {
  }
  while (!one.gone && move(one, one.received, one.toReceive(), theirs, static_cast<char*>(one.transfer->in), limits, receive)) {
    if (one.received == sizeof(Header)) compare(one);
  }
}

}  // namespace

std::string callName(uint32_t call) { return call < sizeof kCalls / sizeof *kCalls ? kCalls[call] : "call " + std::to_string(call); }

void exchange(std::vector<Link>& links, const Header& header, const std::vector<Transfer>& transfers, const ExchangeLimits& limits) {
  std::vector<Progress> open;
  for (const Transfer& transfer : transfers) {
    Link& link = links[transfer.rank];
    Progress one{&transfer, &link, header, {}};
    one.mine.sequence = link.sequence++;
    one.mine.bytes = transfer.outBytes;
    open.push_back(one);
  }
  const Deadline deadline = Clock::now() + limits.timeout;
  for (;;) {
    std::vector<pollfd> waiting;
    uint32_t pending = 0, missing = 0;
    for (Progress& one : open) {
      if (!one.done()) advance(one, limits);
      if (one.done()) continue;
      pending++;
      missing = one.transfer->rank;
      if (one.gone) continue;
      const short events = static_cast<short>((one.sent < one.toSend() ? POLLOUT : 0) | (one.received < one.toReceive() ? POLLIN : 0));
      waiting.push_back({one.link->socket.descriptor(), events, 0});
    }
    if (pending == 0) return;
    if (limits.aborted()) throw Failure(kInternal, kNotify, "The stream of this collective was aborted.");
    if (limits.timeout.count() > 0 && Clock::now() > deadline) {
      throw Failure(kTimeout, kNotify,
                    "The wait execution of the Notify register times out. Reason: The Notify register has not received the Notify record from remote rank: [" +
                        std::to_string(missing) + "]. base information: [" + callName(header.call) + ", " + std::to_string(limits.timeout.count() / 1000) + " s]");
    }
    ::poll(waiting.data(), waiting.size(), kPollMilliseconds);
  }
}

}  // namespace hccl
