/**
 * Vision operators, defined from outside of core with its public `defineOp`: regions, deformable convolution, suppression, boxes, grids.
 */

export { boxIou, generalizedBoxIou } from './boxes.ts';
export { type DeformConvolutionOptions, deformConv2d } from './deformConv2d.ts';
export { type FocalLossOptions, sigmoidFocalLoss } from './focalLoss.ts';
export { type GridSampleOptions, gridSample } from './gridSample.ts';
export {
  type BoxLossOptions,
  completeBoxIouLoss,
  distanceBoxIouLoss,
  generalizedBoxIouLoss,
} from './iouLosses.ts';
export { batchedNms, type NmsOptions, type NmsResult, nms } from './nms.ts';
export { type RoiAlignOptions, roiAlign } from './roiAlign.ts';
export { roiPool } from './roiPool.ts';
