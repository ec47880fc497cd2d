// Names of element types; see tensor.h.
#include "tensor.h"

namespace omma {

DType dtypeNamed(const std::string& name) {
  if (name == "float32") return DType::Float32;
  if (name == "float16") return DType::Float16;
  if (name == "bfloat16") return DType::BFloat16;
  if (name == "int32") return DType::Int32;
  if (name == "uint32") return DType::UInt32;
  if (name == "uint8") return DType::UInt8;
  if (name == "bool") return DType::Bool;
  throw std::runtime_error("unknown dtype " + name);
}

const char* nameOf(DType type) {
  switch (type) {
    case DType::Float32:
      return "float32";
    case DType::Float16:
      return "float16";
    case DType::BFloat16:
      return "bfloat16";
    case DType::Int32:
      return "int32";
    case DType::UInt32:
      return "uint32";
    case DType::UInt8:
      return "uint8";
    case DType::Bool:
      return "bool";
  }
  return "unknown";
}

}  // namespace omma
