#include "communicator.h"

#include <signal.h>
#include <unistd.h>

#include <map>

#include "common/settings.h"
#include "failure.h"
#include "sim/stream.h"

namespace hccl {

namespace {

// Codes of the runtime for a failed task (reference report, "Error codes"). Which ones the real library causes is not verified.
constexpr aclError kRtTaskTimeout = 107020;
constexpr aclError kRtStreamAbort = 107023;
constexpr aclError kRtInternal = 507000;

std::atomic<int64_t> operations{0};

// The fault killrank:R:N.
void dieIfTold(uint32_t rank) {
  const sim::Faults& faults = sim::settings().faults;
  if (faults.killRank == static_cast<int64_t>(rank) && ++operations == faults.killAt) ::kill(::getpid(), SIGKILL);
}

struct Handles {
  std::mutex mutex;
  std::map<HcclComm, std::shared_ptr<Communicator>> known;
};

Handles& handles() {
  static Handles* const all = new Handles;
  return *all;
}

}  // namespace

Communicator::Communicator(const Member& member, std::vector<Link> links, const Environment& environment, std::string name)
    : member_(member), links_(std::move(links)), environment_(environment), name_(std::move(name)) {}

aclError Communicator::run(const std::function<void(Communicator&)>& body) {
  const std::lock_guard<std::mutex> lock(mutex_);
  dieIfTold(member_.rank);
  try {
    if (asyncError_ != kSuccess) throw Failure(asyncError_, kNotify, "An earlier operation of communicator [" + name_ + "] failed; nothing more can be done with it.");
    body(*this);
    return acl::kSuccess;
  } catch (const Failure& failure) {
    sim::setTaskError(std::string(failure.id()) + ": " + failure.text());
    if (sim::taskAborted()) return kRtStreamAbort;
    Result none = kSuccess;
    asyncError_.compare_exchange_strong(none, failure.code());
    return failure.code() == kTimeout ? kRtTaskTimeout : kRtInternal;
  }
}

void Communicator::exchangeWith(const Header& header, const std::vector<Transfer>& transfers) {
  exchange(links_, header, transfers, {environment_.execTimeout, environment_.silentLoss, [] { return sim::taskAborted(); }});
}

HcclComm keep(std::shared_ptr<Communicator> communicator) {
  const std::lock_guard<std::mutex> lock(handles().mutex);
  HcclComm handle = communicator.get();
  handles().known.emplace(handle, std::move(communicator));
  return handle;
}

std::shared_ptr<Communicator> find(HcclComm handle, const char* call) {
  requirePointer(handle, call, "comm");
  const std::lock_guard<std::mutex> lock(handles().mutex);
  const auto found = handles().known.find(handle);
  if (found == handles().known.end()) refuse(kPara, call, "comm", "a pointer", "it is no communicator, or was destroyed");
  return found->second;
}

void forget(HcclComm handle, const char* call) {
  const auto last = find(handle, call);
  const std::lock_guard<std::mutex> lock(handles().mutex);
  handles().known.erase(handle);
}

}  // namespace hccl
