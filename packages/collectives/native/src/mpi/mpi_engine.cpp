// See mpi_engine.h.
#include "mpi/mpi_engine.h"

#include <dlfcn.h>
#include <mpi.h>

#include <algorithm>
#include <map>
#include <utility>

#include "reduce.h"

namespace omma {

namespace {

void check(int code, const char* what) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw std::runtime_error(std::string(what) + ": " + std::string(text, static_cast<size_t>(length)));
}

// MPI counts in int; longer buffers go in parts.
constexpr size_t kMostElements = size_t{1} << 28;

template <typename Do>
void inParts(size_t count, Do part) {
  for (size_t at = 0; at < count; at += kMostElements) {
    part(at, static_cast<int>(std::min(kMostElements, count - at)));
  }
}

// An MPI operation by our own arithmetic; MPI gives a function no place for data of its own, so each pair has one.
template <int DType, int Op>
void combine(void* in, void* inout, int* count, MPI_Datatype*) {
  reduceFunction(DType, Op)(inout, in, inout, static_cast<size_t>(*count));
}

template <int DType>
MPI_User_function* own(int op) {
  switch (op) {
    case OMMA_SUM:
      return combine<DType, OMMA_SUM>;
    case OMMA_PROD:
      return combine<DType, OMMA_PROD>;
    case OMMA_MAX:
      return combine<DType, OMMA_MAX>;
    default:
      return combine<DType, OMMA_MIN>;
  }
}

// MPI knows no 16-bit floats, and its MAX and MIN lose a NaN or keep it by the order of ranks.
MPI_User_function* ownFunction(int dtype, int op) {
  if (dtype == OMMA_FLOAT16) return own<OMMA_FLOAT16>(op);
  if (dtype == OMMA_BFLOAT16) return own<OMMA_BFLOAT16>(op);
  if (dtype == OMMA_FLOAT32 && (op == OMMA_MAX || op == OMMA_MIN)) return own<OMMA_FLOAT32>(op);
  return nullptr;
}

MPI_Datatype typeOf(int dtype) {
  switch (dtype) {
    case OMMA_FLOAT32:
      return MPI_FLOAT;
    case OMMA_FLOAT16:
    case OMMA_BFLOAT16:
      return MPI_UINT16_T;
    case OMMA_INT32:
      return MPI_INT32_T;
    case OMMA_UINT32:
      return MPI_UINT32_T;
    default:
      return MPI_UINT8_T;
  }
}

struct Reduction {
  MPI_Datatype type;
  MPI_Op op;
};

Reduction reductionOf(int dtype, int op) {
  MPI_User_function* function = ownFunction(dtype, op);
  if (function == nullptr) {
    const MPI_Op builtin[] = {MPI_SUM, MPI_PROD, MPI_MAX, MPI_MIN};
    return {typeOf(dtype), builtin[op]};
  }
  static std::map<std::pair<int, int>, MPI_Op> made;
  const auto key = std::make_pair(dtype, op);
  if (made.count(key) == 0) check(MPI_Op_create(function, 1, &made[key]), "MPI_Op_create");
  return {typeOf(dtype), made[key]};
}

}  // namespace

MpiEngine::~MpiEngine() { stop(); }

void MpiEngine::initialise() {
  // Open MPI's components look for its symbols among the global ones, and Node loads addons with local ones.
  dlopen("libmpi.so.40", RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD);
  int provided = 0;
  check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "MPI_Init_thread");
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  if (provided < MPI_THREAD_SERIALIZED) throw std::runtime_error("this MPI does not work outside of the main thread");
  int value = 0;
  check(MPI_Comm_rank(MPI_COMM_WORLD, &value), "MPI_Comm_rank");
  rank_ = value;
  check(MPI_Comm_size(MPI_COMM_WORLD, &value), "MPI_Comm_size");
  size_ = value;
}

void MpiEngine::finalise() { check(MPI_Finalize(), "MPI_Finalize"); }

void MpiEngine::doAllReduce(void* data, size_t count, int dtype, int op) {
  const Reduction reduction = reductionOf(dtype, op);
  const size_t width = byteSize(dtype);
  inParts(count, [&](size_t at, int elements) {
    check(MPI_Allreduce(MPI_IN_PLACE, static_cast<char*>(data) + at * width, elements, reduction.type, reduction.op,
                        MPI_COMM_WORLD),
          "MPI_Allreduce");
  });
}

void MpiEngine::doBroadcast(void* data, size_t bytes, int root) {
  inParts(bytes, [&](size_t at, int part) {
    check(MPI_Bcast(static_cast<char*>(data) + at, part, MPI_BYTE, root, MPI_COMM_WORLD), "MPI_Bcast");
  });
}

void MpiEngine::doAllGather(const void* source, void* target, size_t bytes) {
  if (bytes > kMostElements) throw std::runtime_error("MPI_Allgather: more than 256 MiB a rank");
  check(MPI_Allgather(source, static_cast<int>(bytes), MPI_BYTE, target, static_cast<int>(bytes), MPI_BYTE, MPI_COMM_WORLD),
        "MPI_Allgather");
}

void MpiEngine::doReduceScatter(const void* source, void* target, size_t count, int dtype, int op) {
  if (count > kMostElements) throw std::runtime_error("MPI_Reduce_scatter_block: more than 2^28 elements a rank");
  const Reduction reduction = reductionOf(dtype, op);
  check(MPI_Reduce_scatter_block(source, target, static_cast<int>(count), reduction.type, reduction.op, MPI_COMM_WORLD),
        "MPI_Reduce_scatter_block");
}

void MpiEngine::doBarrier() { check(MPI_Barrier(MPI_COMM_WORLD), "MPI_Barrier"); }

}  // namespace omma
