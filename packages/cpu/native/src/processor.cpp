// See processor.h.
#include "processor.h"

#include "onednn_compat.h"

namespace omma {

std::string isaName() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
      return "SSE4.1";
    case dnnl::cpu_isa::avx:
      return "AVX";
    case dnnl::cpu_isa::avx2:
      return "AVX2";
    case dnnl::cpu_isa::avx512_core:
      return "AVX-512";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "AVX-512 VNNI";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "AVX-512 BF16";
    default:
      return dnnl::get_effective_cpu_isa() > dnnl::cpu_isa::avx512_core_bf16 ? "AVX-512 BF16 or newer" : "generic";
  }
}

bool hasBFloat16() {
  // Also on AVX-512 without bfloat16 instructions, where oneDNN emulates them, slower than float32.
  return dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core_bf16;
}

}  // namespace omma
