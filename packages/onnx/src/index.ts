/**
 * @omma/onnx: graphs as ONNX models: inference graphs with their weights, training steps with state as inputs and outputs.
 *
 * Imports core only. onnxruntime-node is an optional peer and is imported when first used.
 */

export { checkOnnx, type OnnxCheck, type OutputCheck } from './check.ts';
export type { AttributeInput, Dialect, OperatorUse, Opset } from './dialect/dialect.ts';
export { plainDialect } from './dialect/plain.ts';
export type { ElementType } from './element.ts';
export { type ExportOptions, exportOnnx } from './export.ts';
export type { Weights } from './foldBatchNorm.ts';
export type { Origin } from './model.ts';
export { defineRule, type Rule, RuleContext, type RuleInput, ruleNames } from './rule.ts';
export { type OnnxModel, openOnnx } from './runtime.ts';
export { buildStep, type StepModel, type StepPort, type StepState } from './step.ts';
