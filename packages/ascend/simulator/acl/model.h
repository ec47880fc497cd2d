// Loaded offline models: the header of the .om and an ONNX Runtime session of the ONNX inside, bound to the context that loaded it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "om/format.h"
#include "order.h"
#include "ort/ort.h"
#include "runtime.h"

namespace sim {

// Device memory that the caller lends to a model instead of letting the load allocate it; size 0: none lent.
struct LentMemory {
  void* work = nullptr;
  size_t workBytes = 0;
  void* weights = nullptr;
  size_t weightBytes = 0;
};

class LoadedModel {
 public:
  // Throws Failure: 145006 (sizes), 545001 (foreign, damaged, another chip's, ONNX Runtime refuses it), 207001, 145000 (lent memory too small).
  LoadedModel(uint32_t id, std::shared_ptr<Context> context, std::shared_ptr<const omma::om::Model> description, const LentMemory& lent);
  ~LoadedModel();
  LoadedModel(const LoadedModel&) = delete;
  LoadedModel& operator=(const LoadedModel&) = delete;

  uint32_t id() const { return id_; }
  const std::shared_ptr<Context>& context() const { return context_; }
  const omma::om::Model& description() const { return *description_; }
  std::shared_ptr<const omma::om::Model> sharedDescription() const { return description_; }
  const omma::ort::Session& session() const { return *session_; }

  std::mutex mutex;             // of the two below
  Moment last;                  // where its last execution stands in the order
  std::optional<size_t> gear;   // last set by aclmdlSetDynamic...
  std::atomic<bool> running{false};
  std::atomic<int> inFlight{0};

 private:
  const uint32_t id_;
  const std::shared_ptr<Context> context_;
  const std::shared_ptr<const omma::om::Model> description_;
  std::unique_ptr<omma::ort::Session> session_;
  void* work_ = nullptr;     // only what the load allocated
  void* weights_ = nullptr;
};

// What a caller's aclmdlDesc stands for; empty until aclmdlGetDesc.
class ModelDesc {
 public:
  std::shared_ptr<const omma::om::Model> model;
  uint32_t id = 0;  // 0: from a file or memory, not loaded
};

// Throws Failure 145006 or 545001.
std::shared_ptr<const omma::om::Model> parseModel(const void* data, size_t bytes);
// Throws Failure 145002 (no such file) or as above.
std::string readModelFile(const char* path);

uint32_t loadModel(const void* data, size_t bytes, const LentMemory& lent);

// Throws Failure 145003.
std::shared_ptr<LoadedModel> findModel(uint32_t id);

// Throws Failure: 145003; 107004 in another context than it was loaded in; 145000 while it executes.
void unloadModel(uint32_t id);

// How many there were.
size_t unloadModelsOf(const Context& context);

// What aclmdlGetInputSizeByIndex says.
size_t inputBytes(const omma::om::Model& model, size_t index);

// Which gear has these values (Gears::values); throws Failure 145013.
size_t gearOf(const omma::om::Model& model, const std::vector<int64_t>& values);

}  // namespace sim
