// Pieces of messages.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace sim {

inline std::string number(uint64_t value) { return std::to_string(value); }
inline std::string number(int64_t value) { return std::to_string(value); }
inline std::string number(int32_t value) { return std::to_string(value); }
inline std::string number(uint32_t value) { return std::to_string(value); }

inline std::string hex(const void* address) {
  char out[32];
  std::snprintf(out, sizeof out, "%p", address);
  return out;
}

// "[1, 3, 224, 224]"
inline std::string dimsText(const std::vector<int64_t>& dims) {
  std::string out = "[";
  for (size_t i = 0; i < dims.size(); i++) out += (i == 0 ? "" : ", ") + std::to_string(dims[i]);
  return out + "]";
}

}  // namespace sim
