// Why atc gives up: an error of CANN's list (ascend.md 3.2), by id.
//
// Thrown wherever a rule is broken and printed once, in main.cpp, the way the real tool prints it.
#pragma once

#include <stdexcept>
#include <string>

namespace omma::atc {

class Failure : public std::runtime_error {
 public:
  Failure(std::string id, const std::string& message) : std::runtime_error(message), id_(std::move(id)) {}
  const std::string& id() const { return id_; }

 private:
  std::string id_;
};

// E10001: a flag's value cannot be used. `flag` with its dashes.
inline Failure invalidValue(const std::string& flag, const std::string& value, const std::string& reason) {
  return Failure("E10001", "Value " + value + " for parameter " + flag + " is invalid. Reason: " + reason);
}

// E10052: a preprocessing that the chip cannot do.
inline Failure invalidAipp(const std::string& reason) { return Failure("E10052", "AIPP configuration is invalid. Reason: " + reason + "."); }

// E19999: what the real compiler calls an inner error, and what only this simulator cannot do (the text says which).
inline Failure innerError(const std::string& message) { return Failure("E19999", "Inner Error! " + message); }

}  // namespace omma::atc
