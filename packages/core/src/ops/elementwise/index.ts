export * from './activation.ts';
export * from './arithmetic.ts';
export * from './compare.ts';
export type { Operand } from './define.ts';
export * from './exponential.ts';
export * from './logic.ts';
export * from './parametric.ts';
export * from './sign.ts';
export * from './where.ts';
