// See attributes.h.
#include "attributes.h"

#include <limits>
#include <stdexcept>

namespace omma {

namespace {
[[noreturn]] void mismatch(const char* expected) {
  throw std::runtime_error(std::string("attribute is not ") + expected);
}
}  // namespace

double Attribute::number() const {
  if (kind_ == Kind::Number || kind_ == Kind::Boolean) return number_;
  if (kind_ == Kind::String) {
    if (string_ == "Infinity") return std::numeric_limits<double>::infinity();
    if (string_ == "-Infinity") return -std::numeric_limits<double>::infinity();
    if (string_ == "NaN") return std::numeric_limits<double>::quiet_NaN();
  }
  mismatch("a number");
}

bool Attribute::boolean() const {
  if (kind_ != Kind::Boolean) mismatch("a boolean");
  return number_ != 0;
}

const std::string& Attribute::string() const {
  if (kind_ != Kind::String) mismatch("a string");
  return string_;
}

const std::vector<double>& Attribute::numbers() const {
  if (kind_ != Kind::Numbers) mismatch("a list of numbers");
  return numbers_;
}

std::vector<int64_t> Attribute::integers() const {
  const std::vector<double>& values = numbers();
  return std::vector<int64_t>(values.begin(), values.end());
}

Attribute::List Attribute::list() const {
  if (kind_ == Kind::List) return list_;
  if (kind_ != Kind::Numbers) mismatch("a list");
  List list;
  list.reserve(numbers_.size());
  for (double value : numbers_) list.emplace_back(value);
  return list;
}

const Attribute::Object& Attribute::object() const {
  if (kind_ != Kind::Object) mismatch("an object");
  return object_;
}

const Attribute* Attribute::find(const std::string& name) const {
  if (kind_ != Kind::Object) return nullptr;
  auto found = object_.find(name);
  return found == object_.end() ? nullptr : &found->second;
}

const Attribute& Attribute::at(const std::string& name) const {
  const Attribute* found = find(name);
  if (found == nullptr) throw std::runtime_error("attribute " + name + " is missing");
  return *found;
}

}  // namespace omma
