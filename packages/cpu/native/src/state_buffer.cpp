// See state_buffer.h.
#include "state_buffer.h"

namespace omma {

onednn::desc reorderDesc(const Layouts& layouts, const Form& form, const Form& other, const Shape& shape) {
  if (form.layout.isPlain() && other.layout.kind == Layout::Opaque) {
    return plainDesc(onednn::blockingOf(layouts.descOf(other, shape)).shape, form.dtype);
  }
  return layouts.descOf(form, shape);
}

std::unique_ptr<Block> reorderBlock(Layouts& layouts, const dnnl::engine& engine, dnnl::stream& stream,
                                    const StateBuffer& buffer, const Layout& to) {
  const Form from = buffer.form();
  const Form target{buffer.dtype, to};
  std::unique_ptr<Block> block = buffer.newBlock();
  dnnl::memory source(reorderDesc(layouts, from, target, buffer.shape), engine, buffer.data());
  dnnl::memory result(reorderDesc(layouts, target, from, buffer.shape), engine, block->data());
  dnnl::reorder(source, result).execute(stream, source, result);
  stream.wait();
  return block;
}

}  // namespace omma
