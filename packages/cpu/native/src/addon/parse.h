// JavaScript values to the planner's data.
#pragma once

#include <napi.h>

#include "graph.h"

namespace omma {

Attribute parseAttribute(const Napi::Value& value);
// A Graph of @omma/core, as it is.
GraphSpec parseGraph(const Napi::Object& graph);
GraphValue parseType(const Napi::Object& type);

}  // namespace omma
