/**
 * @omma/onnx: graphs as ONNX models: inference graphs with their weights, training steps with state as inputs and outputs; and the devices
 * `onnx`, `onnx:webgpu` and `onnx:cuda`, which run them with ONNX Runtime. Importing it registers them.
 *
 * onnxruntime-node is an optional peer and is loaded when first used. For browsers there is `@omma/onnx/web`.
 */

export { checkOnnx, type OnnxCheck, type OutputCheck } from './check.ts';
export { createOnnxDevice, type NodeProvider } from './device/node.ts';
export type { AttributeInput, Dialect, Opset } from './dialect/dialect.ts';
export { plainDialect } from './dialect/plain.ts';
export type { ElementType } from './element.ts';
export {
  type ElementArray,
  elementArray,
  elementSize,
  elementView,
  fromElements,
  toElements,
} from './elementArray.ts';
export { type ExportOptions, exportOnnx } from './export.ts';
export type { Weights } from './foldBatchNorm.ts';
export * from './import/index.ts';
export * from './inspect/index.ts';
export type { Origin } from './model.ts';
export { defineRule, type Rule, RuleContext, type RuleInput, ruleNames } from './rule.ts';
export { type OnnxModel, openOnnx } from './runtime.ts';
export { buildStep, type StepModel, type StepPort, type StepState } from './step.ts';
export { type HostRun, type HostState, StepHost } from './stepHost.ts';
export { stepSupports } from './supports.ts';
