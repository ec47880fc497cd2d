/** The op table's public functions, by family. Importing a family defines its ops. */

export * from './elementwise/index.ts';
export { argMax, argMin, max, min } from './reduce/extremes.ts';
export { mean, sum, sumTo } from './reduce/sum.ts';
export type { ReductionOptions } from './reduce/define.ts';
export * from './source.ts';
export * from './view/reshape.ts';
export * from './contract/index.ts';
export * from './loss/index.ts';
export * from './norm/index.ts';
export * from './window/index.ts';
