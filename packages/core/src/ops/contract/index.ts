/** Sums of products: convolution, matrix products, attention. */

export { attention } from './attention.ts';
export { conv2d, conv2dInputGradOp, conv2dOp, conv2dWeightGradOp } from './conv2d.ts';
export type { ConvolutionOptions } from './convolution.ts';
export { convTranspose2d, type TransposedConvolutionOptions } from './convTranspose2d.ts';
export { linear } from './linear.ts';
export { matmul } from './matmul.ts';
