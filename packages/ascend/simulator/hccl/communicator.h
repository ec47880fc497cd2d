// A communicator: this rank's connections to the others, and what has gone wrong with them.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bootstrap.h"
#include "exchange.h"

namespace hccl {

class Communicator {
 public:
  Communicator(const Member& member, std::vector<Link> links, const Environment& environment, std::string name);

  uint32_t rank() const { return member_.rank; }
  uint32_t size() const { return member_.size; }
  const std::string& name() const { return name_; }

  // What a task of this communicator failed with first; kSuccess when all went well.
  Result asyncError() const { return asyncError_; }

  // Runs `body` as one task on a stream: in turn with the others, after an injected death, remembering the first failure. The task's aclError.
  aclError run(const std::function<void(Communicator&)>& body);

  // Inside `run`.
  void exchangeWith(const Header& header, const std::vector<Transfer>& transfers);

 private:
  const Member member_;
  std::vector<Link> links_;
  const Environment environment_;
  const std::string name_;
  std::mutex mutex_;
  std::atomic<Result> asyncError_{kSuccess};
};

// Handles of communicators: an address means nothing to this library unless it gave it out.
HcclComm keep(std::shared_ptr<Communicator> communicator);
std::shared_ptr<Communicator> find(HcclComm handle, const char* call);  // throws Failure kPtr, kPara
void forget(HcclComm handle, const char* call);

}  // namespace hccl
