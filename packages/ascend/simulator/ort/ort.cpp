#include "ort.h"

#include <dlfcn.h>

#include <cstdlib>

namespace omma::ort {

namespace {

// Opaque objects of the library.
struct OrtStatus;
struct OrtEnv;
struct OrtOptions;
struct OrtSession;
struct OrtTypeInfo;
struct OrtTensorInfo;
struct OrtValue;
struct OrtMemoryInfo;
struct OrtAllocator;

struct ApiBase {
  void* const* (*getApi)(uint32_t version);
  const char* (*getVersionString)();
};

// Places in OrtApi.
enum Slot {
  kGetErrorMessage = 2, kCreateEnv = 3, kCreateSessionFromArray = 8, kRun = 9, kCreateSessionOptions = 10, kSetLogSeverity = 22,
  kSetOptimizationLevel = 23, kSetIntraOpThreads = 24, kGetOutputCount = 31, kGetOutputTypeInfo = 34, kGetOutputName = 37,
  kCreateTensorWithData = 49, kCastTypeInfoToTensorInfo = 55, kGetElementType = 60, kGetDimensionsCount = 61, kGetDimensions = 62,
  kCreateCpuMemoryInfo = 69, kAllocatorFree = 76, kGetDefaultAllocator = 78, kReleaseStatus = 93, kReleaseSession = 95, kReleaseValue = 96,
  kReleaseTypeInfo = 98, kReleaseSessionOptions = 100, kAddSessionConfigEntry = 130,
};

constexpr uint32_t kApiVersion = 4;
constexpr int kLogFatal = 4;
constexpr int kOptimizeNone = 0, kOptimizeAll = 99;
constexpr int kArenaAllocator = 1, kMemoryDefault = 0;

class Library {
 public:
  // Never unloaded: its threads outlive main.
  static const Library& get() {
    static const Library* library = new Library();
    return *library;
  }

  template <typename... Arguments>
  void call(Slot slot, Arguments... arguments) const {
    check(reinterpret_cast<OrtStatus* (*)(Arguments...)>(api_[slot])(arguments...));
  }

  template <typename T>
  void release(Slot slot, T* object) const {
    reinterpret_cast<void (*)(T*)>(api_[slot])(object);
  }

  OrtEnv* env() const { return env_; }
  const OrtMemoryInfo* memory() const { return memory_; }
  OrtAllocator* allocator() const { return allocator_; }
  const std::string& version() const { return version_; }

 private:
  Library() {
    const char* chosen = std::getenv("OMMA_ASCEND_SIM_ONNXRUNTIME");
    const std::string path = chosen != nullptr ? chosen : OMMA_ONNXRUNTIME_LIBRARY;
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw Error(std::string("ONNX Runtime's library cannot be loaded: ") + dlerror());
    const auto getApiBase = reinterpret_cast<const ApiBase* (*)()>(dlsym(library, "OrtGetApiBase"));
    if (getApiBase == nullptr) throw Error(path + " is not ONNX Runtime's library: it has no OrtGetApiBase");
    version_ = getApiBase()->getVersionString();
    api_ = getApiBase()->getApi(kApiVersion);
    if (api_ == nullptr) throw Error("ONNX Runtime " + version_ + " does not have version " + std::to_string(kApiVersion) + " of its interface");
    call(kCreateEnv, kLogFatal, "omma", &env_);
    call(kCreateCpuMemoryInfo, kArenaAllocator, kMemoryDefault, &memory_);
    call(kGetDefaultAllocator, &allocator_);
  }

  void check(OrtStatus* status) const {
    if (status == nullptr) return;
    const std::string message = reinterpret_cast<const char* (*)(const OrtStatus*)>(api_[kGetErrorMessage])(status);
    release(kReleaseStatus, status);
    throw Error(message);
  }

  void* const* api_ = nullptr;
  std::string version_;
  OrtEnv* env_ = nullptr;
  OrtMemoryInfo* memory_ = nullptr;
  OrtAllocator* allocator_ = nullptr;
};

std::vector<const char*> pointers(const std::vector<std::string>& names) {
  std::vector<const char*> out;
  for (const std::string& name : names) out.push_back(name.c_str());
  return out;
}

// The library's views of tensors, for one run.
class Values {
 public:
  explicit Values(const std::vector<Tensor>& tensors) {
    const Library& library = Library::get();
    for (const Tensor& tensor : tensors) {
      OrtValue* value = nullptr;
      library.call(kCreateTensorWithData, library.memory(), tensor.data, tensor.bytes, tensor.dims.data(), tensor.dims.size(), int{tensor.elementType}, &value);
      values_.push_back(value);
    }
  }
  ~Values() {
    for (OrtValue* value : values_) Library::get().release(kReleaseValue, value);
  }
  Values(const Values&) = delete;
  Values& operator=(const Values&) = delete;
  OrtValue** data() { return values_.data(); }

 private:
  std::vector<OrtValue*> values_;
};

}  // namespace

struct Session::Implementation {
  OrtSession* session = nullptr;
  std::vector<std::string> outputNames;
  ~Implementation() {
    if (session != nullptr) Library::get().release(kReleaseSession, session);
  }
};

Session::Session(const std::string& model, Optimization optimization, int threads) : implementation_(std::make_unique<Implementation>()) {
  const Library& library = Library::get();
  OrtOptions* made = nullptr;
  library.call(kCreateSessionOptions, &made);
  const auto release = [&library](OrtOptions* options) { library.release(kReleaseSessionOptions, options); };
  const std::unique_ptr<OrtOptions, decltype(release)> options(made, release);
  library.call(kSetLogSeverity, options.get(), kLogFatal);
  library.call(kSetOptimizationLevel, options.get(), optimization == Optimization::All ? kOptimizeAll : kOptimizeNone);
  if (threads > 0) library.call(kSetIntraOpThreads, options.get(), threads);
  // Idle threads sleep: several models share the machine's cores with the program under test.
  library.call(kAddSessionConfigEntry, options.get(), "session.intra_op.allow_spinning", "0");
  const OrtEnv* env = library.env();
  const OrtOptions* given = options.get();
  library.call(kCreateSessionFromArray, env, static_cast<const void*>(model.data()), model.size(), given, &implementation_->session);
  size_t count = 0;
  library.call(kGetOutputCount, static_cast<const OrtSession*>(implementation_->session), &count);
  for (size_t i = 0; i < count; i++) {
    char* name = nullptr;
    library.call(kGetOutputName, static_cast<const OrtSession*>(implementation_->session), i, library.allocator(), &name);
    implementation_->outputNames.emplace_back(name);
    library.call(kAllocatorFree, library.allocator(), static_cast<void*>(name));
  }
}

Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

const std::vector<std::string>& Session::outputNames() const { return implementation_->outputNames; }

TensorType Session::outputType(size_t index) const {
  const Library& library = Library::get();
  OrtTypeInfo* made = nullptr;
  library.call(kGetOutputTypeInfo, static_cast<const OrtSession*>(implementation_->session), index, &made);
  const auto release = [&library](OrtTypeInfo* info) { library.release(kReleaseTypeInfo, info); };
  const std::unique_ptr<OrtTypeInfo, decltype(release)> info(made, release);
  const OrtTensorInfo* tensor = nullptr;
  library.call(kCastTypeInfoToTensorInfo, static_cast<const OrtTypeInfo*>(info.get()), &tensor);
  if (tensor == nullptr) throw Error("output " + implementation_->outputNames.at(index) + " is not a tensor");
  TensorType type;
  size_t rank = 0;
  library.call(kGetElementType, tensor, &type.elementType);
  library.call(kGetDimensionsCount, tensor, &rank);
  type.dims.resize(rank);
  library.call(kGetDimensions, tensor, type.dims.data(), rank);
  return type;
}

void Session::run(const std::vector<std::string>& inputNames, const std::vector<Tensor>& inputs, const std::vector<std::string>& outputNames,
                  const std::vector<Tensor>& outputs) const {
  Values in(inputs), out(outputs);
  const auto inNames = pointers(inputNames), outNames = pointers(outputNames);
  Library::get().call(kRun, implementation_->session, static_cast<const void*>(nullptr), inNames.data(), static_cast<const OrtValue* const*>(in.data()),
                      inNames.size(), outNames.data(), outNames.size(), out.data());
}

std::string version() { return Library::get().version(); }

}  // namespace omma::ort
