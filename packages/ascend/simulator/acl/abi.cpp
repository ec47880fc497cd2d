// The layouts that cross the ABI (reference report 1.2 and 1.13), asserted for LP64.
#include "acl/acl.h"

static_assert(sizeof(aclError) == 4 && sizeof(aclrtStream) == 8 && sizeof(size_t) == 8 && sizeof(aclFloat16) == 2, "scalars");
static_assert(sizeof(aclmdlIODims) == 1160 && offsetof(aclmdlIODims, dimCount) == 128 && offsetof(aclmdlIODims, dims) == 136, "aclmdlIODims");
static_assert(sizeof(aclmdlBatch) == 1032 && offsetof(aclmdlBatch, batch) == 8, "aclmdlBatch");
static_assert(sizeof(aclmdlHW) == 2056 && offsetof(aclmdlHW, hw) == 8, "aclmdlHW");
static_assert(sizeof(aclmdlIODimsRange) == 2056 && offsetof(aclmdlIODimsRange, range) == 8, "aclmdlIODimsRange");
static_assert(sizeof(aclCANNPackageVersion) == 512, "aclCANNPackageVersion");
