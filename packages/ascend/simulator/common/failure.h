// A refusal of the simulator on its way out: the code that the C function returns, and what the error manager says, an id and a text.
#pragma once

#include <exception>
#include <string>

namespace sim {

template <typename Code>
class CodedFailure : public std::exception {
 public:
  CodedFailure(Code code, const char* id, std::string text) : code_(code), id_(id), text_(std::move(text)) {}
  Code code() const { return code_; }
  const char* id() const { return id_; }
  const std::string& text() const { return text_; }
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  Code code_;
  const char* id_;
  std::string text_;
};

// Runs `body` through `guard`, which makes a result code of what it throws and takes no template.
template <typename Result, typename Body>
Result guardedBy(Result (*guard)(void (*)(void*), void*), Body& body) noexcept {
  return guard([](void* closure) { (*static_cast<Body*>(closure))(); }, &body);
}

}  // namespace sim
