/** Passes: small pure functions from graph to graph. */

export { eliminateDeadCode } from './eliminateDeadCode.ts';
export { foldConstants } from './foldConstants.ts';
export { foldEmpty } from './foldEmpty.ts';
export { lowerUnsupported } from './lower.ts';
export { applyMixedPrecision, type MixedPrecision } from './mixedPrecision.ts';
export { type PrepareOptions, prepare } from './prepare.ts';
export { type NodeRewrite, rewrite } from './rewrite.ts';
