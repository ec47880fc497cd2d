// softmax and logSoftmax along any axis, row major.
//
// A line is brought to float32 in a buffer that stays in the cache, so that memory is read once and written once.
#include "axis.h"
#include "families.h"
#include "parallel.h"
#include "simd8.h"

namespace omma {
namespace {

template <typename T, bool Log>
class Softmax : public Kernel {
 public:
  explicit Softmax(const NodeSpec& node) : view_(node.inputs[0].shape, node.attrs.at("axis").integer()), threads_(omp_get_max_threads()) {}

  size_t scratchBytes() const override {
    return static_cast<size_t>(threads_ * (view_.extent + 16)) * sizeof(float);
  }
  double flops() const override { return 20.0 * static_cast<double>(view_.lines() * view_.extent); }

  void run(const RunArguments& arguments) override {
    const T* x = arguments.input<T>(0);
    T* y = arguments.output<T>(0);
    float* buffers = static_cast<float*>(arguments.scratch);
    parallelRange(view_.lines(), 4 * view_.extent, 1, [&](int64_t begin, int64_t end, int thread) {
      float* row = buffers + thread * (view_.extent + 16);
      for (int64_t line = begin; line < end; line++) {
        const int64_t start = view_.start(line);
        if (view_.inner == 1) {
          loadFloats(x + start, row, view_.extent);
          softmaxRow(row);
          storeFloats(row, y + start, view_.extent);
        } else {
          for (int64_t i = 0; i < view_.extent; i++) row[i] = static_cast<float>(x[start + i * view_.inner]);
          softmaxRow(row);
          for (int64_t i = 0; i < view_.extent; i++) y[start + i * view_.inner] = static_cast<T>(row[i]);
        }
      }
    });
  }

 private:
  void softmaxRow(float* row) const {
    const int64_t count = view_.extent;
    float top = -kInfinity;
#pragma omp simd reduction(max : top)
    for (int64_t i = 0; i < count; i++) top = row[i] > top ? row[i] : top;
    // A row of -infinity only: any finite centre gives the NaN that PyTorch gives.
    double sum = 0;
    for (int64_t begin = 0; begin < count; begin += 1024) {
      const int64_t end = std::min(count, begin + 1024);
      float part = 0;
      if (Log) {
#pragma omp simd reduction(+ : part)
        for (int64_t i = begin; i < end; i++) {
          row[i] -= top;
          part += fastExp(row[i]);
        }
      } else {
#pragma omp simd reduction(+ : part)
        for (int64_t i = begin; i < end; i++) {
          row[i] = fastExp(row[i] - top);
          part += row[i];
        }
      }
      sum += part;
    }
    const float shift = static_cast<float>(std::log(sum)), scale = static_cast<float>(1.0 / sum);
#pragma omp simd
    for (int64_t i = 0; i < count; i++) row[i] = Log ? row[i] - shift : row[i] * scale;
  }

  AxisView view_;
  int threads_;
};

template <bool Log>
std::unique_ptr<Kernel> create(const NodeSpec& node) {
  return withFloat(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> {
    return std::make_unique<Softmax<decltype(zero), Log>>(node);
  });
}

std::vector<InPlace> inPlace(const NodeSpec&) { return {{0, 0}}; }

}  // namespace

void registerSoftmax(KernelTable& table) {
  table.add("softmax", {nullptr, nullptr, create<false>, inPlace});
  table.add("logSoftmax", {nullptr, nullptr, create<true>, inPlace});
}

}  // namespace omma
