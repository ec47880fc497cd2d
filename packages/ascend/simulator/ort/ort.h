// ONNX Runtime's C library, as far as the simulator needs it: atc asks it for the types of all values, libascendcl runs models with it.
//
// npm's onnxruntime-node ships the library without its header, so the slots of its function table in use are declared in ort.cpp. The table
// only grows at its end (a promise of the project since version 1), so these numbers hold for every version >= 1.5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace omma::ort {

// What the library says when it refuses: a model it cannot load, an operator without a kernel, a failed run.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Element types are numbers of onnx::TensorProto::DataType, which ONNX Runtime's C interface uses too.
struct TensorType {
  int32_t elementType = 0;
  std::vector<int64_t> dims;  // -1 where unknown
};

// Memory that somebody else owns, read or written by a run in place.
struct Tensor {
  int32_t elementType = 0;
  std::vector<int64_t> dims;
  void* data = nullptr;
  size_t bytes = 0;
};

enum class Optimization { None, All };

class Session {
 public:
  // Loads a serialised model; `threads` 0 lets the library choose. Throws Error.
  Session(const std::string& model, Optimization optimization, int threads);
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  // Of the graph's outputs, in their order.
  const std::vector<std::string>& outputNames() const;
  TensorType outputType(size_t index) const;

  // One run; inputs and outputs by name, each with memory of the right size. Throws Error.
  void run(const std::vector<std::string>& inputNames, const std::vector<Tensor>& inputs, const std::vector<std::string>& outputNames,
           const std::vector<Tensor>& outputs) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

// "1.30.0". Loads the library from OMMA_ASCEND_SIM_ONNXRUNTIME, or from where it was when this was built. Throws Error.
std::string version();

}  // namespace omma::ort
