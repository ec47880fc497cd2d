// TCP sockets with deadlines: everything between ranks goes through these.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace hccl {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

// Owns a file descriptor.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket();
  Socket(Socket&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  Socket& operator=(Socket&& other) noexcept;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int descriptor() const { return descriptor_; }
  bool isOpen() const { return descriptor_ >= 0; }
  void close();

  // All of it, or a Failure: kTimeout at the deadline, kTcpTransfer when the other side is gone.
  void send(const void* data, size_t size, Deadline deadline) const;
  void receive(void* data, size_t size, Deadline deadline) const;

 private:
  int descriptor_ = -1;
};

// Listens on `address`; port 0 is any free one. Throws Failure kUnavail when the port is taken.
Socket listenOn(const std::string& address, uint16_t port);

uint16_t portOf(const Socket& socket);

// The next connection. Throws Failure kTimeout at the deadline.
Socket acceptFrom(const Socket& listener, Deadline deadline);

// Tries until the deadline. Throws Failure kTcpConnect.
Socket connectTo(const std::string& address, uint16_t port, Deadline deadline);

}  // namespace hccl
