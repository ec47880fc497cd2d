/** Rules of the vision ops that ONNX has. The ops themselves are defined above core; rules go by name. */

import { flagAttribute, numberAttribute, pairAttribute, textAttribute } from '../attributes.ts';
import { computed, integerVector, takes } from '../dialect/takes.ts';
import { defineRule } from '../rule.ts';

defineRule('roiAlign', {
  since: 17,
  supports: (inputs, _, dialect) => {
    const [x, rois] = inputs.map((type) => computed(dialect, type));
    const batch = integerVector(rois?.shape?.[0] ?? 0);
    return takes(dialect, 'RoiAlign', [x ?? null, rois ?? null, batch], { mode: 'avg' });
  },
  write: (context) => {
    const [x, rois] = [context.input(0).name, context.input(1).name];
    const [height, width] = pairAttribute(context.attrs, 'output');
    const columns = (from: number, to: number) =>
      context.emit('Slice', [rois, context.integers([from]), context.integers([to]), context.integers([1])]);
    const batch = context.emit('Squeeze', [context.cast(columns(0, 1), 'int64'), context.integers([1])]);
    return context.emit('RoiAlign', [x, columns(1, 5), batch], {
      output_height: height,
      output_width: width,
      sampling_ratio: numberAttribute(context.attrs, 'sampling'),
      spatial_scale: { float: numberAttribute(context.attrs, 'scale') },
      coordinate_transformation_mode: flagAttribute(context.attrs, 'aligned')
        ? 'half_pixel'
        : 'output_half_pixel',
      mode: 'avg',
    });
  },
});

defineRule('gridSample', {
  since: 17,
  supports: (inputs, { mode, paddingMode }, dialect) =>
    takes(
      dialect,
      'GridSample',
      inputs.map((type) => computed(dialect, type)),
      { mode: String(mode), padding_mode: String(paddingMode) },
    ),
  write: (context) =>
    context.emit('GridSample', context.names, {
      mode: textAttribute(context.attrs, 'mode'),
      padding_mode: textAttribute(context.attrs, 'paddingMode'),
      align_corners: flagAttribute(context.attrs, 'alignCorners') ? 1 : 0,
    }),
});

defineRule('roiPool', {
  supports: (inputs, _, dialect) =>
    takes(
      dialect,
      'MaxRoiPool',
      inputs.map((type) => computed(dialect, type)),
    ),
  write: (context) =>
    context.emit('MaxRoiPool', context.names, {
      pooled_shape: pairAttribute(context.attrs, 'output'),
      spatial_scale: { float: numberAttribute(context.attrs, 'scale') },
    }),
});

// ONNX gives as many rows (batch, class, box) as are kept; Omma a fixed number of places and a count.
defineRule('nms', {
  supports: (inputs, _, dialect) => {
    const [boxes, scores] = inputs.map((type) => computed(dialect, type));
    return takes(dialect, 'NonMaxSuppression', [boxes ?? null, scores ?? null, integerVector(1, [1])]);
  },
  write: (context) => {
    const [boxes, scores] = [context.input(0), context.input(1)];
    const places = numberAttribute(context.attrs, 'maxOutputs');
    const wide = (name: string, axes: readonly number[]) =>
      context.emit('Unsqueeze', [context.cast(name, 'float32'), context.integers(axes)]);
    const selected = context.emit('NonMaxSuppression', [
      wide(boxes.name, [0]),
      wide(scores.name, [0, 1]),
      context.integers([places]),
      context.array([numberAttribute(context.attrs, 'iouThreshold')], [1], 'float32'),
    ]);
    const column = [context.integers([2]), context.integers([3]), context.integers([1])];
    const kept = context.emit('Squeeze', [
      context.emit('Slice', [selected, ...column]),
      context.integers([1]),
    ]);
    const filled = context.emit('Concat', [kept, context.integers(new Array<number>(places).fill(-1))], {
      axis: 0,
    });
    const indices = context.emit('Slice', [filled, context.integers([0]), context.integers([places])]);
    const count = context.emit('ReduceSum', [context.emit('Shape', [kept]), context.integers([0])], {
      keepdims: 0,
    });
    return [context.cast(indices, 'int32'), context.cast(count, 'int32')];
  },
});
