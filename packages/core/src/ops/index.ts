/** The op table's public functions, by family. Importing a family defines its ops. */

export { mapElements, spread } from './broadcast.ts';
export { allReduce } from './collective.ts';
export * from './contract/index.ts';
export { customGrad } from './customGrad.ts';
export * from './elementwise/index.ts';
export * from './indexing/gather.ts';
export * from './indexing/select.ts';
export * from './indexing/sort.ts';
export * from './loss/index.ts';
export * from './norm/index.ts';
export { floatOperand, sameDType } from './operands.ts';
export { optimizationBarrier } from './optimizationBarrier.ts';
export * from './random/random.ts';
export { threefry2x32 } from './random/threefry.ts';
export type { ReductionOptions } from './reduce/define.ts';
export { argMax, argMin, max, min } from './reduce/extremes.ts';
export * from './reduce/softmax.ts';
export * from './reduce/statistics.ts';
export { mean, sum, sumTo } from './reduce/sum.ts';
export * from './source.ts';
export { stopGradient } from './stopGradient.ts';
export * from './view/arrange.ts';
export * from './view/join.ts';
export * from './view/pad.ts';
export * from './view/reshape.ts';
export * from './view/slice.ts';
export * from './window/index.ts';
