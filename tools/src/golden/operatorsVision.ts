/** The vision golden operators, from @omma/cv, with torchvision's defaults. */

import * as omma from '@omma/core';
import * as cv from '@omma/cv';
import { type CaseAttributes, reductions } from './attributes.ts';
import { asArray } from './json.ts';
import type { CaseTensors, Operator, OperatorResult } from './operators.ts';

const lossReduction = (attrs: CaseAttributes) => ({
  reduction: attrs.choice('reduction', reductions, 'none'),
});

type BoxLoss = typeof cv.generalizedBoxIouLoss;

/** Predicted boxes are the attribute `base` plus the input `d`. */
const boxLoss =
  (loss: BoxLoss): Operator =>
  ({ input, floats }, attrs) => {
    const base = asArray(attrs.nested('base'), 'base');
    const boxes = omma.add(omma.tensor(base.data, base.shape), input('d'));
    return loss(boxes, floats('t'), { eps: attrs.number('eps', 1e-7), ...lossReduction(attrs) });
  };

const threshold = (attrs: CaseAttributes) => ({ iouThreshold: attrs.number('iou_threshold') });

const suppressed = ({ indices }: cv.NmsResult): OperatorResult => ({ outputs: [indices], padded: true });

const pairwise =
  (of: typeof cv.boxIou): Operator =>
  ({ floats }) =>
    of(floats('a'), floats('b'));

const deformable = ({ input, optional }: CaseTensors, attrs: CaseAttributes) => {
  attrs.flag('mask', false);
  return cv.deformConv2d(input('x'), input('offset'), input('w'), optional('b'), optional('m'), {
    stride: attrs.pair('stride', 1),
    padding: attrs.pair('padding', 0),
    dilation: attrs.pair('dilation', 1),
    groups: attrs.number('groups', 1),
    offsetGroups: attrs.number('offset_groups', 1),
  });
};

export const visionOperators: Readonly<Record<string, Operator>> = {
  roi_align: ({ input, floats }, attrs) =>
    cv.roiAlign(input('x'), floats('rois'), {
      output: attrs.pair('output', []),
      scale: attrs.number('scale', 1),
      sampling: attrs.number('sampling', -1),
      aligned: attrs.flag('aligned', false),
    }),
  roi_pool: ({ input, floats }, attrs) =>
    cv.roiPool(input('x'), floats('rois'), {
      output: attrs.pair('output', []),
      scale: attrs.number('scale', 1),
    }),
  deform_conv2d: deformable,
  nms: ({ floats }, attrs) => suppressed(cv.nms(floats('boxes'), floats('scores'), threshold(attrs))),
  batched_nms: ({ floats, integers }, attrs) =>
    suppressed(cv.batchedNms(floats('boxes'), floats('scores'), integers('ids'), threshold(attrs))),
  box_iou: pairwise(cv.boxIou),
  generalized_box_iou: pairwise(cv.generalizedBoxIou),
  generalized_box_iou_loss: boxLoss(cv.generalizedBoxIouLoss),
  distance_box_iou_loss: boxLoss(cv.distanceBoxIouLoss),
  complete_box_iou_loss: boxLoss(cv.completeBoxIouLoss),
  sigmoid_focal_loss: ({ input, floats }, attrs) =>
    cv.sigmoidFocalLoss(input('x'), floats('t'), {
      alpha: attrs.number('alpha', 0.25),
      gamma: attrs.number('gamma', 2),
      ...lossReduction(attrs),
    }),
  grid_sample: ({ input }, attrs) =>
    cv.gridSample(input('x'), input('g'), {
      mode: attrs.choice('mode', ['bilinear', 'nearest', 'bicubic'], 'bilinear'),
      paddingMode: attrs.choice(
        attrs.named('padding_mode', 'padding'),
        ['zeros', 'border', 'reflection'],
        'zeros',
      ),
      alignCorners: attrs.flag('align_corners', false),
    }),
};
