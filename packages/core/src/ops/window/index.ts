/** Ops over fixed neighbourhoods of an image: pooling, resizing, unfolding. */

export { type AvgPoolOptions, avgPool2d, globalAvgPool } from './avgPool2d.ts';
export {
  type Pads,
  type Pair,
  type PairLike,
  pads,
  pair,
  type WindowGeometry,
  windowGrid,
} from './geometry.ts';
export { type MaxPoolOptions, maxPool2d } from './maxPool2d.ts';
export type { ResizeMode } from './resampling.ts';
export { adaptiveAvgPool2d, type ResizeOptions, resize } from './resize.ts';
export { fold, type UnfoldOptions, unfold } from './unfold.ts';
