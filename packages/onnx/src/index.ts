/**
 * @omma/onnx: inference graphs as ONNX models: written, run by ONNX Runtime, and compared.
 *
 * Imports core only. onnxruntime-node is an optional peer and is imported when first used.
 */

export { checkOnnx, type OnnxCheck, type OutputCheck } from './check.ts';
export { type ExportOptions, exportOnnx } from './export.ts';
export type { Weights } from './foldBatchNorm.ts';
export { defineRule, type Rule, RuleContext, type RuleInput, ruleNames } from './rule.ts';
export { type OnnxModel, openOnnx } from './runtime.ts';
