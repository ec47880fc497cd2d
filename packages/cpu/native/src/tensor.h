// Element types, memory layouts and tensor descriptions: the words in which planner and kernels speak to each other.
//
// A value has one logical shape (NCHW for images, OIHW for weights) and one layout, which says in which order its
// elements lie in memory. The planner chooses layouts; kernels see which one an operand comes in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace omma {

enum class DType : uint8_t { Float32, Float16, BFloat16, Int32, UInt32, UInt8, Bool };

inline size_t byteSize(DType type) {
  switch (type) {
    case DType::Float16:
    case DType::BFloat16:
      return 2;
    case DType::UInt8:
    case DType::Bool:
      return 1;
    default:
      return 4;
  }
}

inline bool isFloat(DType type) {
  return type == DType::Float32 || type == DType::Float16 || type == DType::BFloat16;
}

DType dtypeNamed(const std::string& name);  // throws on an unknown name
const char* nameOf(DType type);

using Shape = std::vector<int64_t>;

inline int64_t elementsOf(const Shape& shape) {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  return count;
}

// The order of a tensor's elements in memory. No layout here has padding: every layout of a shape holds exactly
// elementsOf(shape) elements, so operands of equal layout can always be walked flat, element i with element i.
struct Layout {
  enum Kind : uint8_t {
    Plain,      // row major over the logical shape
    Blocked8,   // rank 4 only: [N, C/8, H, W, 8], C % 8 == 0
    Blocked16,  // rank 4 only: [N, C/16, H, W, 16], C % 16 == 0
    NHWC,       // rank 4 only: [N, H, W, C]
    Opaque,     // weights as a oneDNN kernel wants them; `id` tells one such order from another
  };
  Kind kind = Plain;
  int id = 0;  // of an Opaque layout; 0 for the others

  bool operator==(const Layout& other) const { return kind == other.kind && id == other.id; }
  bool operator!=(const Layout& other) const { return !(*this == other); }
  bool isPlain() const { return kind == Plain; }
  // Channels that lie together in the innermost dimension: 8 or 16 when blocked, 0 otherwise.
  int block() const { return kind == Blocked8 ? 8 : kind == Blocked16 ? 16 : 0; }
};

// What a kernel knows of an operand when it is created.
struct TensorSpec {
  DType dtype = DType::Float32;
  Shape shape;
  Layout layout;

  int64_t elements() const { return elementsOf(shape); }
  size_t bytes() const { return static_cast<size_t>(elements()) * byteSize(dtype); }
};

}  // namespace omma
