// Gears: models of a few sizes, chosen at run time through their extra last input.
#include <cstring>
#include <vector>

#include "harness.h"
#include "models.h"

namespace {

using namespace test;

CASE({"batch gears: the last input, the values listed, the dims of the one that is set", {}, [] {
  start();
  const uint32_t id = load(batchModel());
  aclmdlDesc* desc = aclmdlCreateDesc();
  OK(aclmdlGetDesc(desc, id));
  size_t index = 0;
  OK(aclmdlGetInputIndexByName(desc, "ascend_mbatch_shape_data", &index));
  CHECK(index == 1 && aclmdlGetInputSizeByIndex(desc, 0) == 64);
  aclmdlBatch batch;
  OK(aclmdlGetDynamicBatch(desc, &batch));
  CHECK(batch.batchCount == 3 && batch.batch[2] == 4);
  aclmdlIODims dims;
  OK(aclmdlGetInputDims(desc, 0, &dims));
  CHECK(dims.dims[0] == -1);
  OK(aclmdlGetOutputDims(desc, 0, &dims));
  CHECK(dims.dims[0] == 4);
  const float values[16] = {-1, 2, -3, 4, 5, -6, 7, -8};
  void *x = upload(values, sizeof values), *y = upload(nullptr, 0, 64), *gear = upload(nullptr, 0, 8);
  aclmdlDataset *input = dataset({{x, 64}, {gear, 8}}), *output = dataset({{y, 64}});
  CODE(aclmdlExecute(id, input, output), 507011);
  expectMessage("set it with aclmdlSetDynamic");
  CODE(aclmdlSetDynamicBatchSize(id, input, index, 3), 145013);
  CODE(aclmdlSetDynamicBatchSize(id, input, index, 0), 100000);
  CODE(aclmdlSetDynamicBatchSize(id, input, 0, 2), 100000);
  CODE(aclmdlSetDynamicBatchSize(id, input, 7, 2), 100000);
  CODE(aclmdlSetDynamicBatchSize(id, nullptr, index, 2), 100000);
  aclmdlDataset* gone = dataset({});
  OK(aclmdlDestroyDataset(gone));
  CODE(aclmdlSetDynamicBatchSize(id, gone, index, 2), 100000);
  CODE(aclmdlSetDynamicBatchSize(id, dataset({{x, 64}, {nullptr, 8}}), index, 2), 100000);
  CODE(aclmdlSetDynamicBatchSize(id, dataset({{x, 64}, {gear, 4}}), index, 2), 145012);
  CODE(aclmdlSetDynamicHWSize(id, input, index, 2, 2), 100000);
  OK(aclmdlSetDynamicBatchSize(id, input, index, 2));
  OK(aclmdlGetCurOutputDims(desc, 0, &dims));
  CHECK(dims.dimCount == 2 && dims.dims[0] == 2 && dims.dims[1] == 4);
  OK(aclrtMemset(y, 64, 0, 64));
  OK(aclmdlExecute(id, input, output));
  CHECK((download(y, 9) == std::vector<float>{0, 2, 0, 4, 5, 0, 7, 0, 0}));
}});

CASE({"image gears are height and width", {}, [] {
  start();
  const uint32_t id = load(imageModel());
  aclmdlDesc* desc = aclmdlCreateDesc();
  OK(aclmdlGetDesc(desc, id));
  aclmdlHW sizes;
  CODE(aclmdlGetDynamicHW(desc, 0, &sizes), 100000);
  OK(aclmdlGetDynamicHW(desc, kGear, &sizes));
  CHECK(sizes.hwCount == 2 && sizes.hw[1][0] == 4 && sizes.hw[1][1] == 2);
  const float values[8] = {-1, 1, -1, 1};
  void *x = upload(values, sizeof values), *y = upload(nullptr, 0, 32), *gear = upload(nullptr, 0, 16);
  aclmdlDataset *input = dataset({{x, 32}, {gear, 16}}), *output = dataset({{y, 32}});
  CODE(aclmdlSetDynamicHWSize(id, input, 1, 2, 4), 145013);
  OK(aclmdlSetDynamicHWSize(id, input, 1, 2, 2));
  OK(aclmdlExecute(id, input, output));
  CHECK((download(y, 4) == std::vector<float>{0, 1, 0, 1}));
}});

CASE({"gears of dims are all dims of all inputs, those that do not vary must be the model's", {}, [] {
  start();
  const uint32_t id = load(dimsModel());
  aclmdlDesc* desc = aclmdlCreateDesc();
  OK(aclmdlGetDesc(desc, id));
  size_t count = 0;
  OK(aclmdlGetInputDynamicGearCount(desc, kGear, &count));
  CHECK(count == 2);
  std::vector<aclmdlIODims> gears(count);
  OK(aclmdlGetInputDynamicDims(desc, kGear, gears.data(), count));
  CHECK(gears[0].dimCount == 3 && gears[0].dims[0] == 1 && gears[0].dims[1] == 3 && gears[0].dims[2] == 2);
  const float values[24] = {-1, 1, -2, 2, -3, 3};
  void *x = upload(values, sizeof values), *y = upload(nullptr, 0, 96), *gear = upload(nullptr, 0, 16);
  aclmdlDataset *input = dataset({{x, 96}, {gear, 16}}), *output = dataset({{y, 96}});
  OK(aclmdlSetInputDynamicDims(id, input, 1, &gears[0]));
  OK(aclmdlExecute(id, input, output));
  CHECK((download(y, 6) == std::vector<float>{0, 1, 0, 2, 0, 3}));
  gears[0].dims[1] = 4;
  CODE(aclmdlSetInputDynamicDims(id, input, 1, &gears[0]), 145013);
}});

}  // namespace
