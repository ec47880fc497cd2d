#include "elementwise_steps.h"

#include <cmath>
#include <type_traits>
#include <unordered_map>

#include "simd8.h"

namespace omma {
namespace {

template <typename T, typename R, typename F>
void unaryLoop(const StepOperands& o, F f) {
  const T* a = static_cast<const T*>(o.a);
  R* out = static_cast<R*>(o.out);
#pragma omp simd
  for (int64_t i = 0; i < o.count; i++) out[i] = f(a[i]);
}

template <typename F>
struct Unary {
  template <typename T, typename R>
  static void run(const StepOperands& o) {
    unaryLoop<T, R>(o, [](T x) -> R { return static_cast<R>(F::apply(x)); });
  }
};

// Unary with up to two parameters, brought to the lane's type once.
template <typename F>
struct Parametric {
  template <typename T, typename R>
  static void run(const StepOperands& o) {
    const float p = o.parameters[0], q = o.parameters[1];
    unaryLoop<T, R>(o, [p, q](T x) -> R { return static_cast<R>(F::apply(x, p, q)); });
  }
};

template <typename F, typename T, typename R, bool UniformA, bool UniformB>
void binaryLoop(const StepOperands& o) {
  const T* a = static_cast<const T*>(o.a);
  const T* b = static_cast<const T*>(o.b);
  R* out = static_cast<R*>(o.out);
  const T first = a[0], second = b[0];
#pragma omp simd
  for (int64_t i = 0; i < o.count; i++) {
    out[i] = static_cast<R>(F::apply(UniformA ? first : a[i], UniformB ? second : b[i]));
  }
}

template <typename F, typename T, typename R>
StepFunctions binary() {
  return {binaryLoop<F, T, R, false, false>, binaryLoop<F, T, R, false, true>, binaryLoop<F, T, R, true, false>};
}

#define UNARY(name, expression)        \
  struct name {                        \
    template <typename T>              \
    static auto apply(T x) {           \
      return expression;               \
    }                                  \
  };
#define PARAMETRIC(name, expression)                                                  \
  struct name {                                                                       \
    template <typename T>                                                             \
    static auto apply(T x, [[maybe_unused]] float p, [[maybe_unused]] float q) {      \
      return expression;                                                              \
    }                                                                                 \
  };
#define BINARY(name, expression)       \
  struct name {                        \
    template <typename T>              \
    static auto apply(T a, T b) {      \
      return expression;               \
    }                                  \
  };

UNARY(Identity, x)
UNARY(Negate, T(0) - x)
UNARY(NegateFloat, -x)
UNARY(AbsoluteFloat, std::fabs(x))
UNARY(Absolute, x < T(0) ? T(0) - x : x)
UNARY(Sign, x > T(0) ? T(1) : (x < T(0) ? T(-1) : x))
UNARY(Exp, fastExp(x))
UNARY(Log, fastLog(x))
UNARY(Log1p, fastLog1p(x))
UNARY(Sqrt, std::sqrt(x))
UNARY(Rsqrt, 1.0f / std::sqrt(x))
UNARY(Reciprocal, 1.0f / x)
UNARY(Square, x* x)
UNARY(Sin, fastSin(x))
UNARY(Cos, fastCos(x))
UNARY(Atan, fastAtan(x))
UNARY(Tanh, fastTanh(x))
UNARY(Erf, fastErf(x))
UNARY(Floor, std::floor(x))
UNARY(Ceil, std::ceil(x))
UNARY(Round, std::nearbyint(x))
UNARY(Sigmoid, fastSigmoid(x))
// Comparisons with NaN are false, so NaN passes through each of these, as in PyTorch.
UNARY(Relu, x < T(0) ? T(0) : x)
UNARY(Relu6, x < T(0) ? T(0) : (x > T(6) ? T(6) : x))
UNARY(Silu, x* fastSigmoid(x))
UNARY(Mish, fastMish(x))
UNARY(HardSigmoid, x<-3.0f ? 0.0f : (x > 3.0f ? 1.0f : x * (1.0f / 6.0f) + 0.5f))
UNARY(HardSwish, x<-3.0f ? 0.0f : (x > 3.0f ? x : x * (x + 3.0f) * (1.0f / 6.0f)))
UNARY(Softplus, fastSoftplus(x))
UNARY(Gelu, fastGelu(x))
UNARY(GeluTanh, fastGeluTanh(x))
UNARY(LogicalNot, x == T(0) ? 1 : 0)
UNARY(IsFinite, std::fabs(x) < kInfinity ? 1 : 0)
UNARY(NotZero, x != T(0) ? 1 : 0)
UNARY(LowByte, static_cast<int32_t>(static_cast<uint8_t>(static_cast<int32_t>(x))))
UNARY(RoundToBFloat16, static_cast<float>(BFloat16(x)))
UNARY(RoundToFloat16, static_cast<float>(Float16(x)))

PARAMETRIC(LeakyRelu, x < 0.0f ? x * p : x)
PARAMETRIC(Elu, x < 0.0f ? p * fastExpm1(x) : x)
PARAMETRIC(Clamp, x<static_cast<T>(p) ? static_cast<T>(p) : (x > static_cast<T>(q) ? static_cast<T>(q) : x))
PARAMETRIC(Power, std::pow(x, p))

BINARY(Add, a + b)
BINARY(Subtract, a - b)
BINARY(Multiply, a* b)
BINARY(Divide, a / b)
BINARY(Maximum, a > b || a != a ? a : b)
BINARY(Minimum, a < b || a != a ? a : b)
BINARY(PowFloat, std::pow(a, b))
BINARY(Equal, a == b ? 1 : 0)
BINARY(NotEqual, a != b ? 1 : 0)
BINARY(Less, a < b ? 1 : 0)
BINARY(LessEqual, a <= b ? 1 : 0)
BINARY(Greater, a > b ? 1 : 0)
BINARY(GreaterEqual, a >= b ? 1 : 0)
BINARY(LogicalAnd, (a != T(0)) & (b != T(0)))
BINARY(LogicalOr, (a != T(0)) | (b != T(0)))
BINARY(ReluGrad, b > T(0) ? a : T(0))

// Integer division truncates, and by zero gives zero instead of a trap.
struct DivideInteger {
  template <typename T>
  static T apply(T a, T b) {
    return b == T(0) ? T(0) : static_cast<T>(static_cast<double>(a) / static_cast<double>(b));
  }
};
struct PowInteger {
  template <typename T>
  static T apply(T a, T b) {
    return static_cast<T>(static_cast<int64_t>(std::pow(static_cast<double>(a), static_cast<double>(b))));
  }
};

#undef UNARY
#undef PARAMETRIC
#undef BINARY

template <typename T>
void whereLoop(const StepOperands& o) {
  const int32_t* c = static_cast<const int32_t*>(o.a);
  const T* a = static_cast<const T*>(o.b);
  const T* b = static_cast<const T*>(o.c);
  T* out = static_cast<T*>(o.out);
#pragma omp simd
  for (int64_t i = 0; i < o.count; i++) out[i] = c[i] ? a[i] : b[i];
}

// Rounding to a 16-bit float and back, eight lanes at a time.
template <typename Half>
void roundTo(const StepOperands& o) {
  const float* a = static_cast<const float*>(o.a);
  float* out = static_cast<float*>(o.out);
  Half halves[64];
  for (int64_t i = 0; i < o.count; i += 64) {
    const int64_t count = o.count - i < 64 ? o.count - i : 64;
    storeFloats(a + i, halves, count);
    loadFloats(halves, out + i, count);
  }
}

template <typename F, typename T, typename R = T>
StepFunctions unary() {
  return {Unary<F>::template run<T, R>, nullptr, nullptr};
}
template <typename F, typename T, typename R = T>
StepFunctions parametric() {
  return {Parametric<F>::template run<T, R>, nullptr, nullptr};
}

using Table = std::unordered_map<std::string, StepFunctions>;

template <typename T>
void addShared(Table& table) {
  table["stopGradient"] = unary<Identity, T>();
  table["square"] = unary<Square, T>();
  table["relu"] = unary<Relu, T>();
  table["relu6"] = unary<Relu6, T>();
  table["sign"] = unary<Sign, T>();
  table["logicalNot"] = unary<LogicalNot, T, int32_t>();
  table["clamp"] = parametric<Clamp, T>();
  table["add"] = binary<Add, T, T>();
  table["sub"] = binary<Subtract, T, T>();
  table["mul"] = binary<Multiply, T, T>();
  table["maximum"] = binary<Maximum, T, T>();
  table["minimum"] = binary<Minimum, T, T>();
  table["reluGrad"] = binary<ReluGrad, T, T>();
  table["equal"] = binary<Equal, T, int32_t>();
  table["notEqual"] = binary<NotEqual, T, int32_t>();
  table["less"] = binary<Less, T, int32_t>();
  table["lessEqual"] = binary<LessEqual, T, int32_t>();
  table["greater"] = binary<Greater, T, int32_t>();
  table["greaterEqual"] = binary<GreaterEqual, T, int32_t>();
  table["logicalAnd"] = binary<LogicalAnd, T, int32_t>();
  table["logicalOr"] = binary<LogicalOr, T, int32_t>();
  table["where"] = {whereLoop<T>, nullptr, nullptr};
}

Table floatTable() {
  Table table;
  addShared<float>(table);
  table["neg"] = unary<NegateFloat, float>();
  table["abs"] = unary<AbsoluteFloat, float>();
  table["exp"] = unary<Exp, float>();
  table["log"] = unary<Log, float>();
  table["log1p"] = unary<Log1p, float>();
  table["sqrt"] = unary<Sqrt, float>();
  table["rsqrt"] = unary<Rsqrt, float>();
  table["reciprocal"] = unary<Reciprocal, float>();
  table["sin"] = unary<Sin, float>();
  table["cos"] = unary<Cos, float>();
  table["atan"] = unary<Atan, float>();
  table["tanh"] = unary<Tanh, float>();
  table["erf"] = unary<Erf, float>();
  table["floor"] = unary<Floor, float>();
  table["ceil"] = unary<Ceil, float>();
  table["round"] = unary<Round, float>();
  table["sigmoid"] = unary<Sigmoid, float>();
  table["silu"] = unary<Silu, float>();
  table["mish"] = unary<Mish, float>();
  table["hardSigmoid"] = unary<HardSigmoid, float>();
  table["hardSwish"] = unary<HardSwish, float>();
  table["softplus"] = unary<Softplus, float>();
  table["gelu"] = unary<Gelu, float>();
  table["geluTanh"] = unary<GeluTanh, float>();
  table["isFinite"] = unary<IsFinite, float, int32_t>();
  table["leakyRelu"] = parametric<LeakyRelu, float>();
  table["elu"] = parametric<Elu, float>();
  table["powScalar"] = parametric<Power, float>();
  table["div"] = binary<Divide, float, float>();
  table["pow"] = binary<PowFloat, float, float>();
  return table;
}

template <typename T>
Table integerTable() {
  Table table;
  addShared<T>(table);
  table["neg"] = unary<Negate, T>();
  table["abs"] = unary<Absolute, T>();
  table["div"] = binary<DivideInteger, T, T>();
  table["pow"] = binary<PowInteger, T, T>();
  return table;
}

template <typename T>
StepFunctions castFrom(DType from, DType to) {
  switch (to) {
    case DType::Float32:
      return unary<Identity, T, float>();
    case DType::BFloat16:
      if (from == to || from == DType::Bool || from == DType::UInt8) return unary<Identity, T, float>();
      if (std::is_same_v<T, float>) return {roundTo<BFloat16>, nullptr, nullptr};
      return unary<RoundToBFloat16, T, float>();
    case DType::Float16:
      if (from == to || from == DType::Bool || from == DType::UInt8) return unary<Identity, T, float>();
      if (std::is_same_v<T, float>) return {roundTo<Float16>, nullptr, nullptr};
      return unary<RoundToFloat16, T, float>();
    case DType::Int32:
      return unary<Identity, T, int32_t>();
    case DType::UInt32:
      return unary<Identity, T, uint32_t>();
    case DType::UInt8:
      return unary<LowByte, T, int32_t>();
    case DType::Bool:
      return unary<NotZero, T, int32_t>();
  }
  return {};
}

}  // namespace

std::vector<std::string> elementwiseOps() {
  std::vector<std::string> names{"cast"};
  for (const auto& [name, functions] : floatTable()) {
    // The tanh approximation is an attribute of gelu.
    if (name != "geluTanh") names.push_back(name);
  }
  return names;
}

StepFunctions stepFunctions(const std::string& op, DType operand, DType result) {
  static const Table floats = floatTable(), integers = integerTable<int32_t>(), unsigneds = integerTable<uint32_t>();
  if (op == "cast") {
    if (isFloat(operand)) return castFrom<float>(operand, result);
    return operand == DType::UInt32 ? castFrom<uint32_t>(operand, result) : castFrom<int32_t>(operand, result);
  }
  const Table& table = isFloat(operand) ? floats : operand == DType::UInt32 ? unsigneds : integers;
  auto found = table.find(op);
  return found == table.end() ? StepFunctions{} : found->second;
}

}  // namespace omma
