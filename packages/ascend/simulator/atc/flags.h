// The command line of atc: which flags exist, which values their parser takes (ascend.md 3.3).
//
// Only what one flag alone decides; what flags mean together is options.h.
#pragma once

#include <map>
#include <string>

namespace omma::atc {

class Flags {
 public:
  // `--name=value`, `--name value`, `-h`. Throws Failure E10053, E10003, E10006, E10007, E10010, E10001.
  Flags(int count, const char* const* arguments);

  bool help() const { return help_; }
  bool has(const std::string& name) const { return given_.count(name) > 0; }
  // The value given, or the default. `name` without dashes.
  const std::string& operator[](const std::string& name) const;

 private:
  std::map<std::string, std::string> given_;
  bool help_ = false;
};

// The text of `atc --help`.
std::string helpText();

}  // namespace omma::atc
