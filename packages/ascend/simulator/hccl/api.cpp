// The exported functions (reference report 2.2): checks of the arguments, then a task on the caller's stream.
#include <cstring>
#include <thread>

#include "collectives.h"
#include "common/settings.h"
#include "elements.h"
#include "failure.h"
#include "hccl/hccl.h"
#include "sim/stream.h"

#define HCCL_API __attribute__((visibility("default")))

static_assert(sizeof(HcclRootInfo) == 4108 && alignof(HcclRootInfo) == 1);
static_assert(sizeof(HcclSendRecvItem) == 32);
static_assert(sizeof(HcclConfigValue) == 4);
static_assert(sizeof(HcclCommConfigHead) == 24);

// Of libascendcl.
extern "C" aclError aclrtSetDevice(int32_t deviceId);

namespace hccl {

namespace {

std::atomic<uint64_t> names{0};
std::atomic<int32_t> deterministic{0};

// The physical id of the calling thread's device.
int32_t currentDevice(const char* call) {
  const int device = sim::currentDevice();
  if (device < 0) throw Failure(kRuntime, kArgument, std::string("In [") + call + "], the calling thread has no device: call aclrtSetDevice first.");
  return sim::settings().devices[static_cast<size_t>(device)];
}

void initByRoot(const char* call, uint32_t size, const HcclRootInfo* root, uint32_t rank, HcclComm* out) {
  requirePointer(root, call, "rootInfo");
  requirePointer(out, call, "comm");
  if (size == 0) refuse(kPara, call, "nRanks", "0", "it must be at least 1");
  if (rank >= size) refuse(kPara, call, "rank", std::to_string(rank), "it must be below nRanks, which is " + std::to_string(size));
  const Member member{rank, size, currentDevice(call)};
  const Environment env = environment();
  const std::string name = "hccl_world_" + std::to_string(names++);
  *out = keep(std::make_shared<Communicator>(member, connectAll(*root, member, env), env, name));
}

void initByTable(const char* call, const char* path, uint32_t rank, HcclComm* out) {
  requirePointer(path, call, "clusterInfo");
  requirePointer(out, call, "comm");
  const std::vector<RankEntry> table = readRankTable(path);
  if (rank >= table.size()) refuse(kPara, call, "rank", std::to_string(rank), "the rank table has " + std::to_string(table.size()) + " ranks");
  const Member member{rank, static_cast<uint32_t>(table.size()), currentDevice(call)};
  if (table[rank].device != member.device) {
    throw Failure(kPara, kRankTable,
                  "The ranktable or rank is invalid,Reason:[rank " + std::to_string(rank) + " runs on device " + std::to_string(member.device) + " but the table gives it " +
                      std::to_string(table[rank].device) + "]. Please check the configured ranktable. [" + path + "]");
  }
  const Environment env = environment();
  *out = keep(std::make_shared<Communicator>(member, connectByTable(table, member, env), env, "hccl_world_group"));
}

// The layouts that releases have had: size and version.
void checkConfig(const char* call, const void* config) {
  requirePointer(config, call, "config");
  HcclCommConfigHead head{};
  std::memcpy(&head, config, sizeof head);
  const bool known = (head.version == 1 && head.size == 32) || (head.version == 2 && head.size == 160) || (head.version == 5 && head.size == 300);
  if (head.magic != kConfigMagic || !known) refuse(kPara, call, "config", "version " + std::to_string(head.version), "it was not initialised by HcclCommConfigInit of this release");
}

// Which direction a buffer has, and how many elements, in units of the call's count.
struct Buffer {
  const char* name;
  const void* address;
  uint64_t elements;
};

void* checkedBuffer(const char* call, const Buffer& buffer, HcclDataType type) {
  const uint64_t width = elementSize(type);
  requirePointer(buffer.address, call, buffer.name);
  if (reinterpret_cast<uintptr_t>(buffer.address) % std::min<uint64_t>(width, 8) != 0) refuse(kPara, call, buffer.name, "an address", "it is not aligned to the element");
  if (buffer.elements > SIZE_MAX / width) refuse(kPara, call, "count", std::to_string(buffer.elements), "the buffer would be larger than the address space");
  void* const own = sim::deviceMemory(buffer.address, buffer.elements * width);
  if (own == nullptr) refuse(kPara, call, buffer.name, std::to_string(buffer.elements * width) + " bytes", "it is not wholly inside memory of this device");
  return own;
}

void checkReduction(const char* call, HcclDataType type, HcclReduceOp op) {
  const std::string reason = reductionRefusal(type, op, sim::settings().chip.family);
  if (!reason.empty()) refuse(kNotSupport, call, "dataType, op", typeName(type) + ", " + opName(op), reason);
}

// Checks the buffers here and again when the task runs, since they may have been freed meanwhile; then runs `operation` on `stream`.
void enqueue(const char* call, HcclComm comm, aclrtStream stream, Operation operation, const Buffer& send, const Buffer& receive) {
  const auto communicator = find(comm, call);
  if (elementSize(operation.type) == 0) refuse(kPara, call, "dataType", std::to_string(operation.type), "there is no such type");
  if (operation.root >= communicator->size()) refuse(kPara, call, "root or rank", std::to_string(operation.root), "the communicator has " + std::to_string(communicator->size()) + " ranks");
  const auto resolve = [=](Operation out) {
    if (send.elements > 0) out.send = checkedBuffer(call, send, out.type);
    if (receive.elements > 0) out.receive = checkedBuffer(call, receive, out.type);
    return out;
  };
  resolve(operation);
  const aclError error = sim::enqueue(stream, [=] { return communicator->run([&](Communicator& own) { carryOut(own, resolve(operation)); }); });
  if (error != acl::kSuccess) throw Failure(kRuntime, kArgument, std::string("In [") + call + "], the stream takes no task: " + std::to_string(error) + ".");
}

HcclResult notSupported(const char* call) {
  return guarded([&] { throw Failure(kNotSupport, kArgument, std::string(call) + " is not simulated."); });
}

constexpr Buffer kNone{"none", nullptr, 0};

}  // namespace

}  // namespace hccl

using hccl::guarded;

extern "C" {

HCCL_API HcclResult HcclGetRootInfo(HcclRootInfo* rootInfo) {
  return guarded([&] {
    hccl::requirePointer(rootInfo, "HcclGetRootInfo", "rootInfo");
    hccl::currentDevice("HcclGetRootInfo");
    *rootInfo = hccl::newRoot(hccl::environment());
  });
}

HCCL_API HcclResult HcclCommInitRootInfo(uint32_t nRanks, const HcclRootInfo* rootInfo, uint32_t rank, HcclComm* comm) {
  return guarded([&] { hccl::initByRoot("HcclCommInitRootInfo", nRanks, rootInfo, rank, comm); });
}

HCCL_API HcclResult HcclCommInitRootInfoConfig(uint32_t nRanks, const HcclRootInfo* rootInfo, uint32_t rank, const void* config, HcclComm* comm) {
  return guarded([&] {
    hccl::checkConfig("HcclCommInitRootInfoConfig", config);
    hccl::initByRoot("HcclCommInitRootInfoConfig", nRanks, rootInfo, rank, comm);
  });
}

HCCL_API HcclResult HcclCommInitClusterInfo(const char* clusterInfo, uint32_t rank, HcclComm* comm) {
  return guarded([&] { hccl::initByTable("HcclCommInitClusterInfo", clusterInfo, rank, comm); });
}

HCCL_API HcclResult HcclCommInitClusterInfoConfig(const char* clusterInfo, uint32_t rank, void* config, HcclComm* comm) {
  return guarded([&] {
    hccl::checkConfig("HcclCommInitClusterInfoConfig", config);
    hccl::initByTable("HcclCommInitClusterInfoConfig", clusterInfo, rank, comm);
  });
}

HCCL_API HcclResult HcclCommInitAll(uint32_t ndev, int32_t* devices, HcclComm* comms) {
  return guarded([&] {
    hccl::requirePointer(devices, "HcclCommInitAll", "devices");
    hccl::requirePointer(comms, "HcclCommInitAll", "comms");
    if (ndev == 0) hccl::refuse(hccl::kPara, "HcclCommInitAll", "ndev", "0", "it must be at least 1");
    const HcclRootInfo root = hccl::newRoot(hccl::environment());
    std::vector<HcclResult> results(ndev, hccl::kInternal);
    std::vector<std::thread> threads;
    for (uint32_t rank = 0; rank < ndev; rank++) {
      threads.emplace_back([&, rank] {
        if (aclrtSetDevice(devices[rank]) != acl::kSuccess) results[rank] = hccl::kRuntime;
        else results[rank] = HcclCommInitRootInfo(ndev, &root, rank, &comms[rank]);
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const HcclResult result : results) {
      if (result != hccl::kSuccess) throw hccl::Failure(static_cast<hccl::Result>(result), hccl::kArgument, "HcclCommInitAll failed for one of the devices.");
    }
  });
}

HCCL_API HcclResult HcclGetRankSize(HcclComm comm, uint32_t* rankSize) {
  return guarded([&] {
    hccl::requirePointer(rankSize, "HcclGetRankSize", "rankSize");
    *rankSize = hccl::find(comm, "HcclGetRankSize")->size();
  });
}

HCCL_API HcclResult HcclGetRankId(HcclComm comm, uint32_t* rank) {
  return guarded([&] {
    hccl::requirePointer(rank, "HcclGetRankId", "rank");
    *rank = hccl::find(comm, "HcclGetRankId")->rank();
  });
}

HCCL_API HcclResult HcclGetCommName(HcclComm comm, char* commName) {
  return guarded([&] {
    constexpr size_t kRoom = 128;
    hccl::requirePointer(commName, "HcclGetCommName", "commName");
    std::snprintf(commName, kRoom, "%s", hccl::find(comm, "HcclGetCommName")->name().c_str());
  });
}

HCCL_API HcclResult HcclCommDestroy(HcclComm comm) {
  return guarded([&] { hccl::forget(comm, "HcclCommDestroy"); });
}

HCCL_API HcclResult HcclGetCommAsyncError(HcclComm comm, HcclResult* asyncError) {
  return guarded([&] {
    hccl::requirePointer(asyncError, "HcclGetCommAsyncError", "asyncError");
    *asyncError = hccl::find(comm, "HcclGetCommAsyncError")->asyncError();
  });
}

HCCL_API const char* HcclGetErrorString(HcclResult code) {
  static constexpr const char* kTexts[] = {"no error",         "parameter error", "empty pointer",      "memory error",       "internal error",    "not support feature",
                                           "not found specific resource", "resource unavailable", "call system interface error", "timeout", "open file fail",
                                           "tcp connect fail", "roce connect fail", "tcp transfer fail", "roce transfer fail", "call runtime api fail", "call driver api fail",
                                           "call profiling api fail", "call cce api fail", "call network api fail", "operation again", "error cqe", "error communicator suspending"};
  const bool known = code >= 0 && static_cast<size_t>(code) < sizeof kTexts / sizeof *kTexts;
  return known ? kTexts[code] : "unknow error";
}

HCCL_API HcclResult HcclSetConfig(int32_t config, HcclConfigValue value) {
  return guarded([&] {
    if (config != hccl::kDeterministic || (value.value != 0 && value.value != 1)) hccl::refuse(hccl::kPara, "HcclSetConfig", "config", std::to_string(config), "only HCCL_DETERMINISTIC with 0 or 1 exists");
    hccl::deterministic = value.value;
  });
}

HCCL_API HcclResult HcclGetConfig(int32_t config, HcclConfigValue* value) {
  return guarded([&] {
    hccl::requirePointer(value, "HcclGetConfig", "configValue");
    if (config != hccl::kDeterministic) hccl::refuse(hccl::kPara, "HcclGetConfig", "config", std::to_string(config), "only HCCL_DETERMINISTIC exists");
    value->value = hccl::deterministic;
  });
}

HCCL_API uint32_t HcclGetCommConfigCapability(void) { return 0; }

HCCL_API HcclResult HcclBarrier(HcclComm comm, aclrtStream stream) {
  return guarded([&] {
    hccl::enqueue("HcclBarrier", comm, stream, {hccl::kBarrierCall, nullptr, nullptr, 0, hccl::kInt8, 0, 0}, hccl::kNone, hccl::kNone);
  });
}

HCCL_API HcclResult HcclAllReduce(void* sendBuf, void* recvBuf, uint64_t count, HcclDataType dataType, HcclReduceOp op, HcclComm comm, aclrtStream stream) {
  return guarded([&] {
    hccl::checkReduction("HcclAllReduce", dataType, op);
    if (count == 0) return;
    hccl::enqueue("HcclAllReduce", comm, stream, {hccl::kAllReduceCall, nullptr, nullptr, count, dataType, op, 0}, {"sendBuf", sendBuf, count}, {"recvBuf", recvBuf, count});
  });
}

HCCL_API HcclResult HcclBroadcast(void* buf, uint64_t count, HcclDataType dataType, uint32_t root, HcclComm comm, aclrtStream stream) {
  return guarded([&] {
    if (std::string(sim::settings().chip.family) == "Ascend310P") hccl::refuse(hccl::kNotSupport, "HcclBroadcast", "device", "Ascend310P", "the inference series has no broadcast");
    if (count == 0) return;
    hccl::enqueue("HcclBroadcast", comm, stream, {hccl::kBroadcastCall, nullptr, nullptr, count, dataType, 0, root}, {"buf", buf, count}, {"buf", buf, count});
  });
}

HCCL_API HcclResult HcclAllGather(void* sendBuf, void* recvBuf, uint64_t sendCount, HcclDataType dataType, HcclComm comm, aclrtStream stream) {
  return guarded([&] {
    if (sendCount == 0) return;
    const uint64_t size = hccl::find(comm, "HcclAllGather")->size();
    hccl::enqueue("HcclAllGather", comm, stream, {hccl::kAllGatherCall, nullptr, nullptr, sendCount, dataType, 0, 0}, {"sendBuf", sendBuf, sendCount}, {"recvBuf", recvBuf, sendCount * size});
  });
}

HCCL_API HcclResult HcclReduceScatter(void* sendBuf, void* recvBuf, uint64_t recvCount, HcclDataType dataType, HcclReduceOp op, HcclComm comm, aclrtStream stream) {
  return guarded([&] {
    hccl::checkReduction("HcclReduceScatter", dataType, op);
    if (recvCount == 0) return;
    const uint64_t size = hccl::find(comm, "HcclReduceScatter")->size();
    hccl::enqueue("HcclReduceScatter", comm, stream, {hccl::kReduceScatterCall, nullptr, nullptr, recvCount, dataType, op, 0}, {"sendBuf", sendBuf, recvCount * size}, {"recvBuf", recvBuf, recvCount});
  });
}

HCCL_API HcclResult HcclReduce(void* sendBuf, void* recvBuf, uint64_t count, HcclDataType dataType, HcclReduceOp op, uint32_t root, HcclComm comm, aclrtStream stream) {
  return guarded([&] {
    hccl::checkReduction("HcclReduce", dataType, op);
    if (count == 0) return;
    const bool receives = hccl::find(comm, "HcclReduce")->rank() == root;
    hccl::enqueue("HcclReduce", comm, stream, {hccl::kReduceCall, nullptr, nullptr, count, dataType, op, root}, {"sendBuf", sendBuf, count}, {"recvBuf", recvBuf, receives ? count : 0});
  });
}

HCCL_API HcclResult HcclScatter(void* sendBuf, void* recvBuf, uint64_t recvCount, HcclDataType dataType, uint32_t root, HcclComm comm, aclrtStream stream) {
  return guarded([&] {
    if (recvCount == 0) return;
    const auto communicator = hccl::find(comm, "HcclScatter");
    const uint64_t sends = communicator->rank() == root ? recvCount * communicator->size() : 0;
    hccl::enqueue("HcclScatter", comm, stream, {hccl::kScatterCall, nullptr, nullptr, recvCount, dataType, 0, root}, {"sendBuf", sendBuf, sends}, {"recvBuf", recvBuf, recvCount});
  });
}

HCCL_API HcclResult HcclSend(void* sendBuf, uint64_t count, HcclDataType dataType, uint32_t destRank, HcclComm comm, aclrtStream stream) {
  return guarded([&] {
    if (count == 0) return;
    if (hccl::find(comm, "HcclSend")->rank() == destRank) hccl::refuse(hccl::kPara, "HcclSend", "destRank", std::to_string(destRank), "a rank cannot send to itself");
    hccl::enqueue("HcclSend", comm, stream, {hccl::kSendCall, nullptr, nullptr, count, dataType, 0, destRank}, {"sendBuf", sendBuf, count}, hccl::kNone);
  });
}

HCCL_API HcclResult HcclRecv(void* recvBuf, uint64_t count, HcclDataType dataType, uint32_t srcRank, HcclComm comm, aclrtStream stream) {
  return guarded([&] {
    if (count == 0) return;
    if (hccl::find(comm, "HcclRecv")->rank() == srcRank) hccl::refuse(hccl::kPara, "HcclRecv", "srcRank", std::to_string(srcRank), "a rank cannot receive from itself");
    hccl::enqueue("HcclRecv", comm, stream, {hccl::kRecvCall, nullptr, nullptr, count, dataType, 0, srcRank}, hccl::kNone, {"recvBuf", recvBuf, count});
  });
}

HCCL_API HcclResult HcclAlltoAll(const void* sendBuf, uint64_t sendCount, HcclDataType sendType, const void* recvBuf, uint64_t recvCount, HcclDataType recvType, HcclComm comm, aclrtStream stream) {
  return guarded([&] {
    if (sendCount != recvCount || sendType != recvType) hccl::refuse(hccl::kPara, "HcclAlltoAll", "recvCount, recvType", std::to_string(recvCount), "they must be those of the send side");
    if (sendCount == 0) return;
    const uint64_t size = hccl::find(comm, "HcclAlltoAll")->size();
    hccl::enqueue("HcclAlltoAll", comm, stream, {hccl::kAlltoAllCall, nullptr, nullptr, sendCount, sendType, 0, 0}, {"sendBuf", sendBuf, sendCount * size}, {"recvBuf", recvBuf, recvCount * size});
  });
}

// Part of the ABI, so that a loader finds them; nothing in Omma calls them.
HCCL_API HcclResult HcclCreateSubCommConfig(HcclComm*, uint32_t, uint32_t*, uint64_t, uint32_t, void*, HcclComm*) { return hccl::notSupported("HcclCreateSubCommConfig"); }
HCCL_API HcclResult HcclCommSuspend(HcclComm) { return hccl::notSupported("HcclCommSuspend"); }
HCCL_API HcclResult HcclCommResume(HcclComm) { return hccl::notSupported("HcclCommResume"); }
HCCL_API HcclResult HcclBatchSendRecv(HcclSendRecvItem*, uint32_t, HcclComm, aclrtStream) { return hccl::notSupported("HcclBatchSendRecv"); }
HCCL_API HcclResult HcclAllGatherV(void*, uint64_t, void*, const void*, const void*, HcclDataType, HcclComm, aclrtStream) { return hccl::notSupported("HcclAllGatherV"); }
HCCL_API HcclResult HcclReduceScatterV(void*, const void*, const void*, void*, uint64_t, HcclDataType, HcclReduceOp, HcclComm, aclrtStream) { return hccl::notSupported("HcclReduceScatterV"); }
HCCL_API HcclResult HcclAlltoAllV(const void*, const void*, const void*, HcclDataType, const void*, const void*, const void*, HcclDataType, HcclComm, aclrtStream) { return hccl::notSupported("HcclAlltoAllV"); }

}  // extern "C"
