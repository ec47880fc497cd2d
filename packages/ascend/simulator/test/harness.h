// A case is a claim about the runtime and the function that proves it. Settings are read once in a process, so a case names its own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "acl/acl.h"

namespace test {

// aclrtMemcpyKind, and the index that the gear functions ask for.
constexpr int32_t kHostToHost = 0, kHostToDevice = 1, kDeviceToHost = 2, kDeviceToDevice = 3, kInnerDeviceToDevice = 6;
constexpr size_t kGear = static_cast<size_t>(-1);

struct Case {
  std::string claim;
  std::vector<std::pair<std::string, std::string>> environment;
  std::function<void()> body;
  bool dies = false;  // ends by SIGSEGV, and that is the claim
};

std::vector<Case>& cases();

struct Register {
  explicit Register(Case given) { cases().push_back(std::move(given)); }
};

// Ends the process with 1 and a line when it does not hold.
void check(bool holds, const std::string& what);
void expectCode(aclError actual, aclError expected, const std::string& what);

// The last message of this thread; checks that it holds `part`.
void expectMessage(const std::string& part);

// aclInit and aclrtSetDevice(0).
void start();

// live.NAME or counters.NAME of simGetStats.
long long stat(const std::string& name);

#define OMMA_JOIN2(a, b) a##b
#define OMMA_JOIN(a, b) OMMA_JOIN2(a, b)
#define CASE(...) static const test::Register OMMA_JOIN(registered, __COUNTER__)(test::Case __VA_ARGS__)
#define CODE(call, expected) test::expectCode((call), (expected), #call)
#define OK(call) test::expectCode((call), 0, #call)
#define CHECK(condition) test::check((condition), #condition)

}  // namespace test
