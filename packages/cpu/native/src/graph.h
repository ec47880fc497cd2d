// The graph as it comes from TypeScript, after fusion: plain data, checked only for what would crash.
#pragma once

#include <string>
#include <vector>

#include "attributes.h"
#include "tensor.h"

namespace omma {

struct GraphValue {
  DType dtype;
  Shape shape;
};

struct GraphNode {
  std::string op;
  std::string scope;
  Attribute attrs;
  std::vector<int> inputs;
  std::vector<int> outputs;
};

struct GraphPort {
  std::string name;
  int value;
};

struct GraphSlot {
  std::string name;
  int read;
  int write;  // -1: read only
};

struct GraphSpec {
  std::vector<GraphValue> values;
  std::vector<GraphNode> nodes;
  std::vector<GraphPort> inputs;
  std::vector<GraphPort> outputs;
  std::vector<GraphSlot> state;
};

}  // namespace omma
