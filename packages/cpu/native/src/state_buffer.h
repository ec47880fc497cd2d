// One tensor of state on the device: parameters, moments, statistics. It outlives executables and keeps the layout that the
// kernels want from step to step.
#pragma once

#include <map>
#include <memory>

#include "layouts.h"
#include "memory.h"

namespace omma {

class StateBuffer {
 public:
  StateBuffer(std::shared_ptr<MemoryCount> count, DType dtype, Shape shape)
      : dtype(dtype), shape(std::move(shape)), count_(std::move(count)) {
    block_ = std::make_unique<Block>(count_, static_cast<size_t>(elementsOf(this->shape)) * byteSize(dtype));
  }

  const DType dtype;
  const Shape shape;

  void* data() const { return block_->data(); }
  size_t bytes() const { return static_cast<size_t>(elementsOf(shape)) * byteSize(dtype); }
  Layout layout() const { return layout_; }
  Form form() const { return {dtype, layout_}; }
  // Grows whenever the numbers change, so that whoever keeps something computed from them can tell.
  int64_t version() const { return version_; }
  void changed() { version_++; }
  // The same numbers in another order, in a block made by the caller.
  void replace(std::unique_ptr<Block> block, const Layout& layout) {
    block_ = std::move(block);
    layout_ = layout;
  }
  // New numbers, row major.
  void resetToPlain() { layout_ = {}; }
  std::unique_ptr<Block> newBlock() const { return std::make_unique<Block>(count_, bytes()); }

  // Which executable wants it in which layout. A layout that somebody else wants is not taken away by a mere reader.
  void wantedBy(const void* executable, const Layout& layout) { wanted_[executable] = layout; }
  void released(const void* executable) { wanted_.erase(executable); }
  bool othersWantCurrent(const void* executable) const {
    for (const auto& [who, layout] : wanted_) {
      if (who != executable && layout == layout_) return true;
    }
    return false;
  }

  // Gives the memory back; whoever still holds the buffer is told so.
  void release() { block_ = nullptr; }
  bool isReleased() const { return block_ == nullptr; }
  void checkUsable() const {
    if (isReleased()) throw std::runtime_error("cpu: the buffer was freed");
  }

 private:
  std::shared_ptr<MemoryCount> count_;
  std::unique_ptr<Block> block_;
  Layout layout_;
  int64_t version_ = 0;
  std::map<const void*, Layout> wanted_;
};

// The buffer's numbers in another layout.
std::unique_ptr<Block> reorderBlock(Layouts& layouts, const dnnl::engine& engine, dnnl::stream& stream,
                                    const StateBuffer& buffer, const Layout& to);

// The descriptor of a form for a reorder to or from `other`: grouped weights have five dimensions in oneDNN's orders, so Plain
// takes those of the other side.
onednn::desc reorderDesc(const Layouts& layouts, const Form& form, const Form& other, const Shape& shape);

}  // namespace omma
