/** Rules of the vision ops that ONNX has. The ops themselves are defined above core; rules go by name. */

import { flagAttribute, numberAttribute, pairAttribute, textAttribute } from '../attributes.ts';
import { defineRule } from '../rule.ts';

defineRule('roiAlign', {
  since: 17,
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
  write: (context) =>
    context.emit('GridSample', context.names, {
      mode: textAttribute(context.attrs, 'mode'),
      padding_mode: textAttribute(context.attrs, 'paddingMode'),
      align_corners: flagAttribute(context.attrs, 'alignCorners') ? 1 : 0,
    }),
});
