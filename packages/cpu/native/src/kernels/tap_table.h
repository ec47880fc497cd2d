// Weighted sums along one axis: for each output place, which inputs it takes and with what weights.
//
// Resizing, its gradient (the same table transposed) and ROI align are two such sums, one down and one across.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace omma {

class TapTable {
 public:
  int64_t rows() const { return static_cast<int64_t>(starts_.size()) - 1; }
  int32_t begin(int64_t row) const { return starts_[row]; }
  int32_t end(int64_t row) const { return starts_[row + 1]; }
  int32_t index(int32_t tap) const { return indices_[tap]; }
  float weight(int32_t tap) const { return weights_[tap]; }

  void clear() {
    starts_.assign(1, 0);
    indices_.clear();
    weights_.clear();
  }

  // Adds to the row that is being made; taps of one input become one.
  void add(int64_t input, double weight) {
    if (weight == 0) return;
    for (size_t tap = static_cast<size_t>(starts_.back()); tap < indices_.size(); tap++) {
      if (indices_[tap] != input) continue;
      weights_[tap] += static_cast<float>(weight);
      return;
    }
    indices_.push_back(static_cast<int32_t>(input));
    weights_.push_back(static_cast<float>(weight));
  }
  void endRow() { starts_.push_back(static_cast<int32_t>(indices_.size())); }

  // A row that takes one input as it is.
  bool isCopy(int64_t row) const { return end(row) - begin(row) == 1 && weights_[begin(row)] == 1; }
  bool sameRow(int64_t a, int64_t b) const {
    if (end(a) - begin(a) != end(b) - begin(b)) return false;
    for (int32_t i = 0; i < end(a) - begin(a); i++) {
      if (indices_[begin(a) + i] != indices_[begin(b) + i] || weights_[begin(a) + i] != weights_[begin(b) + i]) return false;
    }
    return true;
  }

  TapTable transposed(int64_t inputs) const {
    std::vector<std::vector<std::pair<int64_t, float>>> lists(static_cast<size_t>(inputs));
    for (int64_t row = 0; row < rows(); row++) {
      for (int32_t tap = begin(row); tap < end(row); tap++) lists[indices_[tap]].push_back({row, weights_[tap]});
    }
    TapTable table;
    for (const auto& list : lists) {
      for (const auto& [row, weight] : list) table.add(row, weight);
      table.endRow();
    }
    return table;
  }

 private:
  std::vector<int32_t> starts_{0}, indices_;
  std::vector<float> weights_;
};

}  // namespace omma
