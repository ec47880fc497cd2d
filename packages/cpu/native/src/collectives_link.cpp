// See collectives_link.h.
#include "collectives_link.h"

#include <stdexcept>

namespace omma {

namespace {

static_assert(static_cast<int>(DType::Float32) == OMMA_FLOAT32 && static_cast<int>(DType::Bool) == OMMA_BOOL,
              "both sides number dtypes as core does");

int32_t codeOf(DType dtype) { return static_cast<int32_t>(dtype); }

}  // namespace

void CollectivesLink::attach(const OmmaCollectives* table, bool sameLayouts) {
  if (table->version != OMMA_COLLECTIVES_VERSION) {
    throw std::runtime_error("the collective engine is of another version of Omma; run `npm run build:native`");
  }
  table_ = table;
  sameLayouts_ = sameLayouts;
  tickets_.clear();
}

const OmmaCollectives& CollectivesLink::table() const {
  const OmmaCollectives* table = table_.load();
  if (table == nullptr) throw std::runtime_error("the device is not connected with other processes");
  return *table;
}

int CollectivesLink::size() const { return table().size; }

void CollectivesLink::wait(uint64_t ticket) {
  const OmmaCollectives& t = table();
  char reason[512];
  if (t.wait(t.context, ticket, reason, sizeof reason) != 0) throw std::runtime_error(reason);
}

void CollectivesLink::allReduce(void* data, int64_t count, DType dtype, int op) {
  const OmmaCollectives& t = table();
  wait(t.allReduce(t.context, data, static_cast<uint64_t>(count), codeOf(dtype), op));
}

void CollectivesLink::sumAndTake(const void* data, int64_t count, DType dtype, const Take& take) {
  const OmmaCollectives& t = table();
  const auto hand = [](void* user, const void* values, uint64_t begin, uint64_t some) {
    (*static_cast<const Take*>(user))(values, static_cast<int64_t>(begin), static_cast<int64_t>(some));
  };
  char reason[512];
  if (t.allReduceAndTake(t.context, data, static_cast<uint64_t>(count), codeOf(dtype), OMMA_SUM, hand, const_cast<Take*>(&take), reason,
                         sizeof reason) != 0) {
    throw std::runtime_error(reason);
  }
}

void CollectivesLink::broadcast(void* data, size_t bytes, int root) {
  const OmmaCollectives& t = table();
  wait(t.broadcast(t.context, data, bytes, root));
}

void CollectivesLink::allGather(const void* source, void* target, size_t bytes) {
  const OmmaCollectives& t = table();
  wait(t.allGather(t.context, source, target, bytes));
}

void CollectivesLink::reduceScatter(const void* source, void* target, int64_t count, DType dtype, int op) {
  const OmmaCollectives& t = table();
  wait(t.reduceScatter(t.context, source, target, static_cast<uint64_t>(count), codeOf(dtype), op));
}

void CollectivesLink::barrier() {
  const OmmaCollectives& t = table();
  wait(t.barrier(t.context));
}

void CollectivesLink::startSum(int64_t id, void* data, int64_t count, DType dtype) {
  const OmmaCollectives& t = table();
  tickets_[id] = t.allReduce(t.context, data, static_cast<uint64_t>(count), codeOf(dtype), OMMA_SUM);
}

void CollectivesLink::finish(int64_t id) {
  const auto found = tickets_.find(id);
  if (found == tickets_.end()) throw std::logic_error("a collective is waited for that was not started");
  const uint64_t ticket = found->second;
  tickets_.erase(found);
  wait(ticket);
}

void CollectivesLink::drain() noexcept {
  const OmmaCollectives* t = table_.load();
  char reason[1];
  for (const auto& [id, ticket] : tickets_) {
    if (t != nullptr) t->wait(t->context, ticket, reason, sizeof reason);
  }
  tickets_.clear();
}

void CollectivesLink::abort(const char* reason) {
  const OmmaCollectives* t = table_.load();
  if (t != nullptr) t->abort(t->context, reason);
}

}  // namespace omma
