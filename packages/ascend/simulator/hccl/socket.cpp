#include "socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "failure.h"

namespace hccl {

namespace {

constexpr std::chrono::milliseconds kRetry{20};

[[noreturn]] void fail(Result code, const std::string& what) { throw Failure(code, kSocket, "Getting socket times out. Reason: " + what); }

std::string reason() { return std::strerror(errno); }

sockaddr_in socketAddress(const std::string& address, uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  if (inet_pton(AF_INET, address.c_str(), &out.sin_addr) != 1) fail(kPara, "\"" + address + "\" is no IPv4 address");
  return out;
}

Socket newSocket() {
  Socket out(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!out.isOpen()) fail(kSyscall, "socket: " + reason());
  return out;
}

void setNoDelay(const Socket& socket) {
  const int on = 1;
  ::setsockopt(socket.descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// False at the deadline.
bool waitFor(const Socket& socket, short events, Deadline deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left < 0) return false;
    pollfd entry{socket.descriptor(), events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min<int64_t>(left, 1000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) fail(kSyscall, "poll: " + reason());
  }
}

}  // namespace

Socket::~Socket() { close(); }

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

void Socket::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void Socket::send(const void* data, size_t size, Deadline deadline) const {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t sent = ::send(descriptor_, at, size, MSG_NOSIGNAL);
    if (sent > 0) {
      at += sent;
      size -= static_cast<size_t>(sent);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!waitFor(*this, POLLOUT, deadline)) fail(kTimeout, "the remote rank takes nothing");
    } else if (errno != EINTR) {
      fail(kTcpTransfer, "the remote rank is gone (" + reason() + ")");
    }
  }
}

void Socket::receive(void* data, size_t size, Deadline deadline) const {
  char* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t got = ::recv(descriptor_, at, size, 0);
    if (got > 0) {
      at += got;
      size -= static_cast<size_t>(got);
    } else if (got == 0) {
      fail(kTcpTransfer, "the remote rank is gone");
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!waitFor(*this, POLLIN, deadline)) fail(kTimeout, "the remote rank says nothing");
    } else if (errno != EINTR) {
      fail(kTcpTransfer, "the remote rank is gone (" + reason() + ")");
    }
  }
}

Socket listenOn(const std::string& address, uint16_t port) {
  Socket out = newSocket();
  const int on = 1;
  ::setsockopt(out.descriptor(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in place = socketAddress(address, port);
  if (::bind(out.descriptor(), reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0) {
    fail(kUnavail, "cannot listen on " + address + ":" + std::to_string(port) + " (" + reason() + "); set HCCL_IF_IP or HCCL_IF_BASE_PORT");
  }
  if (::listen(out.descriptor(), 256) != 0) fail(kSyscall, "listen: " + reason());
  return out;
}

uint16_t portOf(const Socket& socket) {
  sockaddr_in place{};
  socklen_t size = sizeof place;
  if (::getsockname(socket.descriptor(), reinterpret_cast<sockaddr*>(&place), &size) != 0) fail(kSyscall, "getsockname: " + reason());
  return ntohs(place.sin_port);
}

Socket acceptFrom(const Socket& listener, Deadline deadline) {
  for (;;) {
    Socket out(::accept4(listener.descriptor(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (out.isOpen()) {
      setNoDelay(out);
      return out;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR && errno != ECONNABORTED) fail(kSyscall, "accept: " + reason());
    if (!waitFor(listener, POLLIN, deadline)) fail(kTimeout, "not all ranks have connected; start all of them, and raise HCCL_CONNECT_TIMEOUT if they are slow");
  }
}

Socket connectTo(const std::string& address, uint16_t port, Deadline deadline) {
  const sockaddr_in place = socketAddress(address, port);
  for (;;) {
    Socket out = newSocket();
    int error = 0;
    if (::connect(out.descriptor(), reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0) {
      error = errno;
      if (error == EINPROGRESS) {
        socklen_t size = sizeof error;
        if (!waitFor(out, POLLOUT, deadline)) fail(kTcpConnect, address + ":" + std::to_string(port) + " does not answer");
        if (::getsockopt(out.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) fail(kSyscall, "getsockopt: " + reason());
      }
    }
    if (error == 0) {
      setNoDelay(out);
      return out;
    }
    if (Clock::now() + kRetry > deadline) fail(kTcpConnect, "cannot reach " + address + ":" + std::to_string(port) + " (" + std::strerror(error) + ")");
    std::this_thread::sleep_for(kRetry);
  }
}

}  // namespace hccl
