// See reorder.h.
#include "plan/reorder.h"

#include <algorithm>

#include "state_buffer.h"

namespace omma {

namespace {

size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

// Two operations one after the other; what is between them lies at the start of the scratch memory.
class ChainOperation : public Operation {
 public:
  ChainOperation(std::unique_ptr<Operation> first, std::unique_ptr<Operation> second, size_t between)
      : first_(std::move(first)), second_(std::move(second)), between_(aligned(between)) {}
  void bind(size_t operand, void* data) override {
    if (operand == 0) {
      first_->bind(0, data);
    } else {
      second_->bind(1, data);
    }
  }
  void bindScratch(void* data) override {
    char* rest = static_cast<char*>(data) + between_;
    first_->bind(1, data);
    first_->bindScratch(rest);
    second_->bind(0, data);
    second_->bindScratch(rest);
  }
  void execute(dnnl::stream& stream) override {
    first_->execute(stream);
    second_->execute(stream);
  }

 private:
  std::unique_ptr<Operation> first_, second_;
  size_t between_;
};

std::unique_ptr<Operation> direct(const Layouts& layouts, const dnnl::engine& engine, const Form& from, const Form& to,
                                  const Shape& shape, size_t& scratch) {
  scratch = 0;
  const size_t bytes = layouts.bytesOf(to, shape);
  if (from == to) return copyOperation(bytes);
  if (from.layout == to.layout) return convertOperation(from.dtype, to.dtype, bytes / byteSize(to.dtype));
  try {
    const onednn::desc fromDesc = reorderDesc(layouts, from, to, shape);
    const onednn::desc toDesc = reorderDesc(layouts, to, from, shape);
    const dnnl::reorder::primitive_desc pd(engine, fromDesc, engine, toDesc, userScratchpad());
    PrimitiveNode node;
    node.primitive = dnnl::reorder(pd);
    node.inputs = {{DNNL_ARG_FROM, 0, fromDesc}};
    node.outputs = {{DNNL_ARG_TO, 0, toDesc}};
    node.scratchpad = pd.scratchpad_desc();
    scratch = node.scratchpad.get_size();
    return primitiveOperation(node, engine);
  } catch (const std::exception&) {
    // No such reorder, or no descriptor for the layout in this type: the caller tries another way.
    return nullptr;
  }
}

}  // namespace

std::unique_ptr<Operation> makeReorder(const Layouts& layouts, const dnnl::engine& engine, const Form& from, const Form& to,
                                       const Shape& shape, size_t& scratch) {
  if (auto operation = direct(layouts, engine, from, to, shape, scratch)) return operation;
  const Form ways[] = {{DType::Float32, to.layout}, {DType::Float32, from.layout}, {to.dtype, {}}, {from.dtype, {}}};
  for (const Form& way : ways) {
    if (way == from || way == to) continue;
    size_t firstScratch = 0, secondScratch = 0;
    auto first = direct(layouts, engine, from, way, shape, firstScratch);
    if (first == nullptr) continue;
    // The way is shorter by one at each level, so this ends: a layout only changes while the type is float32 or at home.
    auto second = way.dtype == DType::Float32 && from.dtype != DType::Float32
                      ? makeReorder(layouts, engine, way, to, shape, secondScratch)
                      : direct(layouts, engine, way, to, shape, secondScratch);
    if (second == nullptr) continue;
    const size_t between = layouts.bytesOf(way, shape);
    scratch = aligned(between) + std::max(firstScratch, secondScratch);
    return std::make_unique<ChainOperation>(std::move(first), std::move(second), between);
  }
  return nullptr;
}

}  // namespace omma
