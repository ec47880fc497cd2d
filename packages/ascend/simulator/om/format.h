// The simulator's offline model (.om): what its atc writes and its libascendcl loads.
//
// A real .om is Huawei's own container of compiled kernels. This one holds the ONNX model as atc transformed it (precision and preprocessing
// are already nodes of it) and a header with everything aclmdl* answers without running: names, dims, sizes, gears, the chip it is bound to.
//
// Layout, little-endian: magic[8] "OMMASIM\0", u32 version, u32 headerBytes, u64 onnxBytes, u64 checksum (FNV-1a of all that follows),
// then the header as JSON, then the ONNX bytes. The reader checks every length against the bytes at hand before it allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace omma::om {

// Numbers of aclDataType and aclFormat (ascend.md 1.13), because aclmdlGetInputDataType hands them out as they are.
enum class DataType : int32_t {
  Float = 0, Float16 = 1, Int8 = 2, Int32 = 3, UInt8 = 4, Int16 = 6, UInt16 = 7, UInt32 = 8, Int64 = 9, UInt64 = 10, Double = 11, Bool = 12,
  BFloat16 = 27,
};
enum class Format : int32_t { NCHW = 0, NHWC = 1, ND = 2, NCDHW = 30 };

// Bytes of one element.
size_t elementBytes(DataType type);

struct Tensor {
  std::string name;      // what aclmdlGet...NameByIndex says: an output is node:index:onnxName, or node:index with --out_nodes
  std::string onnxName;  // the port of the ONNX model inside; empty for the gear input, which the model inside does not have
  DataType dataType = DataType::Float;
  Format format = Format::ND;
  std::vector<int64_t> dims;                   // inputs: -1 where a gear decides; outputs: those of the largest gear
  std::vector<int64_t> originDims;             // inputs: before AIPP changed them (aclmdlGetInputDimsV2)
  std::vector<std::vector<int64_t>> gearDims;  // dims in each gear, in the order of Gears::values; empty for a static model
  uint64_t bytes = 0;                          // what aclmdlGet...SizeByIndex says: dense bytes, of the largest gear
};

enum class GearKind { None, Batch, Image, Dims };

struct Gears {
  GearKind kind = GearKind::None;
  // Batch: {n}. Image: {height, width}. Dims: the values of all -1 dims, input after input.
  std::vector<std::vector<int64_t>> values;
};

// The name of the extra last input of a model with gears, and the bytes of one of its numbers.
inline constexpr const char* kGearInputName = "ascend_mbatch_shape_data";
inline constexpr size_t kGearValueBytes = 8;

struct Model {
  std::string toolkit;        // version of the toolkit that wrote it
  std::string socVersion;     // as given: Ascend910B3
  std::string socFamily;      // Ascend910B: a model runs on the chips of its family only
  std::string precisionMode;  // the mode in force, in the names of --precision_mode_v2 where there is one
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
  Gears gears;
  uint64_t workBytes = 0;    // of the largest set of intermediate tensors alive at once
  uint64_t weightBytes = 0;  // of the constants
  std::vector<std::string> aiCpuNodes;  // nodes that have no AI Core kernel in their precision
  std::string onnx;                     // serialised ModelProto, file format of ONNX
};

// Why a file is not a model. Size: too short, or its lengths do not add up (145006). Content: foreign, damaged, of another version (545001).
class FormatError : public std::runtime_error {
 public:
  enum class Kind { Size, Content };
  FormatError(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

std::string serialize(const Model& model);

// Throws FormatError. Does not keep `data`.
Model parse(const void* data, size_t bytes);

}  // namespace omma::om
