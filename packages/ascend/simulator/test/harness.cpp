#include "harness.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace test {

std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

void check(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what.c_str());
  std::fflush(stderr);
  std::_Exit(1);
}

void expectCode(aclError actual, aclError expected, const std::string& what) {
  if (actual == expected) return;
  const char* message = aclGetRecentErrMsg();
  check(false, what + " gave " + std::to_string(actual) + ", expected " + std::to_string(expected) + (message == nullptr ? "" : std::string(": ") + message));
}

void expectMessage(const std::string& part) {
  const char* message = aclGetRecentErrMsg();
  check(message != nullptr && std::strstr(message, part.c_str()) != nullptr,
        "the message holds \"" + part + "\": " + (message == nullptr ? "there is none" : message));
}

void start() {
  OK(aclInit(nullptr));
  OK(aclrtSetDevice(0));
}

long long stat(const std::string& name) {
  std::string json(4096, '\0');
  simGetStats(json.data(), json.size());
  const std::string key = "\"" + name + "\":";
  const size_t at = json.find(key);
  check(at != std::string::npos, "simGetStats has " + name);
  return std::atoll(json.c_str() + at + key.size());
}

}  // namespace test

// simulator_test --list | simulator_test NUMBER
int main(int count, char** arguments) {
  using test::cases;
  if (count == 2 && std::strcmp(arguments[1], "--list") == 0) {
    for (const test::Case& each : cases()) std::printf("%s\t%s\n", each.dies ? "dies" : "ends", each.claim.c_str());
    return 0;
  }
  const size_t number = count == 2 ? static_cast<size_t>(std::atoi(arguments[1])) : cases().size();
  if (number >= cases().size()) {
    std::fprintf(stderr, "expected --list or a case from 0 to %zu\n", cases().size() - 1);
    return 2;
  }
  const test::Case& chosen = cases()[number];
  for (const auto& [name, value] : chosen.environment) setenv(name.c_str(), value.c_str(), 1);
  chosen.body();
  std::fflush(stdout);
  std::_Exit(0);  // without destructors: streams that hang on purpose are left behind
}
