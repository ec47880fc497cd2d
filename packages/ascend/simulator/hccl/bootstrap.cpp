#include "bootstrap.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <random>
#include <thread>

#include "failure.h"

namespace hccl {

namespace {

constexpr char kMagic[16] = "omma-sim-hccl-1";
constexpr size_t kLongestAddress = 64;
constexpr size_t kLongestReason = 240;
// The root listens for longer than the ranks wait: their own timeouts are the ones that speak.
constexpr std::chrono::seconds kRootPatience{60};

// What the 4108 bytes of a root info hold here.
struct Root {
  char magic[sizeof kMagic];
  char address[kLongestAddress];
  uint16_t port;
  uint16_t zero[3];
  uint64_t id;  // tells communicators apart that use the same port one after the other
};
static_assert(sizeof(Root) <= HCCL_ROOT_INFO_BYTES);

// A rank to the root, and one rank to another.
struct Hello {
  char magic[sizeof kMagic];
  uint64_t id;
  uint32_t rank;
  uint32_t size;
  int32_t device;
  uint16_t port;
  uint16_t zero;
  char host[kLongestAddress];  // of the machine: two ranks of one machine must have different devices
  char address[kLongestAddress];
};

struct Place {
  char address[kLongestAddress];
  uint16_t port;
};

// The root's answer; the places of all ranks follow when it is kSuccess.
struct Welcome {
  int32_t result;
  char reason[kLongestReason];
};

std::string hostName() {
  char name[kLongestAddress] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

void copyText(char* into, size_t size, const std::string& text) { std::snprintf(into, size, "%s", text.c_str()); }

bool hasMagic(const char (&magic)[sizeof kMagic]) { return std::memcmp(magic, kMagic, sizeof kMagic) == 0; }

// Why a rank cannot join those that have come; empty when it can.
std::string refusal(const std::vector<Hello>& come, const Hello& hello, uint32_t size) {
  if (hello.size != size) return "rank " + std::to_string(hello.rank) + " says " + std::to_string(hello.size) + " ranks, others say " + std::to_string(size);
  if (hello.rank >= size) return "rank " + std::to_string(hello.rank) + " of " + std::to_string(size) + " does not exist";
  for (const Hello& other : come) {
    if (other.rank == hello.rank) return "there are two of rank " + std::to_string(hello.rank);
    if (other.device == hello.device && std::strcmp(other.host, hello.host) == 0) {
      return "rank " + std::to_string(other.rank) + " and rank " + std::to_string(hello.rank) + " use the same device " + std::to_string(hello.device);
    }
  }
  return "";
}

// Gathers all ranks on `listener` and tells each where the others are.
void serve(const Socket& listener, uint64_t id, Deadline deadline) {
  std::vector<Socket> sockets;
  std::vector<Hello> come;
  uint32_t size = 1;
  std::string trouble;
  while (come.size() < size && trouble.empty()) {
    Socket socket = acceptFrom(listener, deadline);
    Hello hello{};
    try {
      socket.receive(&hello, sizeof hello, std::min(deadline, Clock::now() + std::chrono::seconds(5)));
    } catch (const Failure&) {
      continue;  // somebody who is no rank
    }
    if (!hasMagic(hello.magic) || hello.id != id) continue;
    if (come.empty()) size = hello.size;
    trouble = refusal(come, hello, size);
    come.push_back(hello);
    sockets.push_back(std::move(socket));
  }
  Welcome welcome{trouble.empty() ? kSuccess : kPara, {}};
  copyText(welcome.reason, sizeof welcome.reason, trouble);
  std::vector<Place> places(size);
  if (trouble.empty()) {
    for (const Hello& hello : come) {
      copyText(places[hello.rank].address, sizeof places[hello.rank].address, hello.address);
      places[hello.rank].port = hello.port;
    }
  }
  for (const Socket& socket : sockets) {
    try {
      socket.send(&welcome, sizeof welcome, deadline);
      if (trouble.empty()) socket.send(places.data(), places.size() * sizeof(Place), deadline);
    } catch (const Failure&) {
      // This rank is gone; the others notice when they connect to it.
    }
  }
}

// The root runs beside whatever its process does. Nobody waits for it, so its own end is silent: the ranks' timeouts speak.
void serveInBackground(Socket listener, uint64_t id, const Environment& environment) {
  const Deadline deadline = Clock::now() + environment.connectTimeout + kRootPatience;
  std::thread([listener = std::make_shared<Socket>(std::move(listener)), id, deadline] {
    try {
      serve(*listener, id, deadline);
    } catch (const Failure&) {
      listener->close();
    }
  }).detach();
}

Hello helloOf(const Member& member, const Environment& environment, uint64_t id, uint16_t port) {
  Hello hello{};
  std::memcpy(hello.magic, kMagic, sizeof kMagic);
  hello.id = id;
  hello.rank = member.rank;
  hello.size = member.size;
  hello.device = member.device;
  hello.port = port;
  copyText(hello.host, sizeof hello.host, hostName());
  copyText(hello.address, sizeof hello.address, environment.address);
  return hello;
}

std::vector<Place> placesFrom(const Socket& root, const Hello& hello, Deadline deadline) {
  root.send(&hello, sizeof hello, deadline);
  Welcome welcome{};
  root.receive(&welcome, sizeof welcome, deadline);
  if (welcome.result != kSuccess) {
    welcome.reason[sizeof welcome.reason - 1] = '\0';
    throw Failure(static_cast<Result>(welcome.result), kRankTable, std::string("The ranktable or rank is invalid,Reason:[") + welcome.reason + "].");
  }
  std::vector<Place> places(hello.size);
  root.receive(places.data(), places.size() * sizeof(Place), deadline);
  return places;
}

std::vector<Link> connectThrough(const std::string& address, uint16_t port, uint64_t id, const Member& member, const Environment& environment) {
  const Deadline deadline = Clock::now() + environment.connectTimeout;
  std::vector<Link> links(member.size);
  const Socket listener = listenOn(environment.address, 0);
  const Hello hello = helloOf(member, environment, id, portOf(listener));
  const Socket root = connectTo(address, port, deadline);
  const std::vector<Place> places = placesFrom(root, hello, deadline);
  for (uint32_t other = 0; other < member.rank; other++) {
    links[other].socket = connectTo(places[other].address, places[other].port, deadline);
    links[other].socket.send(&hello, sizeof hello, deadline);
  }
  for (uint32_t missing = member.size - member.rank - 1; missing > 0;) {
    Socket socket = acceptFrom(listener, deadline);
    Hello from{};
    socket.receive(&from, sizeof from, deadline);
    if (!hasMagic(from.magic) || from.id != id || from.rank <= member.rank || from.rank >= member.size || links[from.rank].socket.isOpen()) continue;
    links[from.rank].socket = std::move(socket);
    missing--;
  }
  return links;
}

}  // namespace

HcclRootInfo newRoot(const Environment& environment) {
  Socket listener = listenOn(environment.address, 0);
  Root root{};
  std::memcpy(root.magic, kMagic, sizeof kMagic);
  copyText(root.address, sizeof root.address, environment.address);
  root.port = portOf(listener);
  std::random_device random;
  root.id = (static_cast<uint64_t>(random()) << 32) | random();
  serveInBackground(std::move(listener), root.id, environment);
  HcclRootInfo out{};
  std::memcpy(out.internal, &root, sizeof root);
  return out;
}

std::vector<Link> connectAll(const HcclRootInfo& info, const Member& member, const Environment& environment) {
  Root root{};
  std::memcpy(&root, info.internal, sizeof root);
  if (!hasMagic(root.magic) || std::memchr(root.address, 0, sizeof root.address) == nullptr) {
    refuse(kPara, "HcclCommInitRootInfo", "rootInfo", "bytes", "they are not what HcclGetRootInfo gave: pass all 4108 bytes on as they are");
  }
  return connectThrough(root.address, root.port, root.id, member, environment);
}

std::vector<Link> connectByTable(const std::vector<RankEntry>& table, const Member& member, const Environment& environment) {
  const auto port = static_cast<uint16_t>(environment.basePort + table.front().device);
  constexpr uint64_t kNoId = 0;
  if (member.rank == 0) serveInBackground(listenOn(environment.address, port), kNoId, environment);
  return connectThrough(environment.address, port, kNoId, member, environment);
}

}  // namespace hccl
