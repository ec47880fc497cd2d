// Attribute values of a node: plain JSON, as the graph carries it, on the C++ side.
//
// A list whose elements are all numbers is kept as one flat vector, because constants bring thousands of them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace omma {

class Attribute {
 public:
  using List = std::vector<Attribute>;
  using Object = std::map<std::string, Attribute>;

  Attribute() = default;
  explicit Attribute(double value) : kind_(Kind::Number), number_(value) {}
  explicit Attribute(bool value) : kind_(Kind::Boolean), number_(value ? 1 : 0) {}
  explicit Attribute(std::string value) : kind_(Kind::String), string_(std::move(value)) {}
  explicit Attribute(std::vector<double> value) : kind_(Kind::Numbers), numbers_(std::move(value)) {}
  explicit Attribute(List value) : kind_(Kind::List), list_(std::move(value)) {}
  explicit Attribute(Object value) : kind_(Kind::Object), object_(std::move(value)) {}

  // Each throws std::runtime_error when the attribute is of another kind.
  double number() const;  // also of the strings 'Infinity', '-Infinity', 'NaN'
  int64_t integer() const { return static_cast<int64_t>(number()); }
  bool boolean() const;
  const std::string& string() const;
  const std::vector<double>& numbers() const;  // an empty list counts as a list of numbers
  std::vector<int64_t> integers() const;
  List list() const;                           // of any list, one of numbers too
  const Object& object() const;

  bool isString() const { return kind_ == Kind::String; }
  bool isNumber() const { return kind_ == Kind::Number; }

  // Members of an object.
  bool has(const std::string& name) const { return find(name) != nullptr; }
  const Attribute* find(const std::string& name) const;
  const Attribute& at(const std::string& name) const;  // throws, naming the member

 private:
  enum class Kind { Null, Number, Boolean, String, Numbers, List, Object };
  Kind kind_ = Kind::Null;
  double number_ = 0;
  std::string string_;
  std::vector<double> numbers_;
  List list_;
  Object object_;
};

}  // namespace omma
