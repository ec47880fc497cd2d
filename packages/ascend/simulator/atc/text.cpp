#include "text.h"

#include <cerrno>
#include <cstdlib>

#include "failure.h"

namespace omma::atc {

std::string trim(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  size_t from = 0;
  while (from < text.size()) {
    const size_t to = std::min(text.find(separator, from), text.size());
    parts.push_back(trim(text.substr(from, to - from)));
    from = to + 1;
  }
  return parts;
}

std::string join(const std::vector<std::string>& parts, const std::string& separator) {
  std::string out;
  for (size_t i = 0; i < parts.size(); i++) out += (i == 0 ? "" : separator) + parts[i];
  return out;
}

std::string format(const Dims& dims) {
  std::vector<std::string> parts;
  for (int64_t dim : dims) parts.push_back(std::to_string(dim));
  return "[" + join(parts, ",") + "]";
}

bool parseInteger(const std::string& text, int64_t& value) {
  const size_t sign = !text.empty() && text[0] == '-' ? 1 : 0;
  if (text.size() == sign || text.find_first_not_of("0123456789", sign) != std::string::npos) return false;
  errno = 0;
  value = std::strtoll(text.c_str(), nullptr, 10);
  return errno == 0;
}

int64_t elements(const Dims& dims) {
  int64_t count = 1;
  for (int64_t dim : dims) {
    if (__builtin_mul_overflow(count, dim, &count)) throw innerError("A tensor of shape " + format(dims) + " is too large.");
  }
  return count;
}

}  // namespace omma::atc
