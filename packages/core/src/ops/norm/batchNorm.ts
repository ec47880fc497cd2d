/**
 * Batch normalisation: with the batch's own statistics (training) and with given ones (inference).
 *
 * The training op also returns the statistics, from which the layer updates its running ones. Statistics are float32 in every
 * precision. The gradient op is differentiated through its lowering, in which mean and variance are plain inputs; what arrives
 * at them flows back to x through `batchNormTrain`'s own rule, so gradients of gradients are exact.
 */

import { numericArray } from '../../device/numeric.ts';
import { ShapeError } from '../../errors.ts';
import type { TensorType } from '../../graph/graph.ts';
import { at, defineOp } from '../../op.ts';
import { formatShape, type Shape, sameShape, sizeOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { add, cast, div, mean, mul, reshape, rsqrt, square, sub, sum } from '../index.ts';
import { floatOperand } from '../operands.ts';
import { isZero } from './isZero.ts';

type Attributes = { readonly eps: number };

export const batchNormTrainOp = defineOp<Attributes>({
  name: 'batchNormTrain',
  kind: 'reduce',
  infer: (inputs) => {
    const x = normalised('batchNormTrain', inputs, ['x', 'weight', 'bias']);
    const statistic = { shape: [at(x.shape, 1)], dtype: 'float32' } as const;
    return [{ shape: x.shape, dtype: x.dtype }, statistic, statistic];
  },
  grad: ({ inputs, outputs, attrs, cotangent }) => {
    const [x, weight] = [at(inputs, 0), at(inputs, 1)];
    const [average, variance] = [at(outputs, 1), at(outputs, 2)];
    const [dx, dw, db] = batchNormTrainGradOp.all([x, cotangent(0), weight, average, variance], attrs);
    if (dx === undefined || dw === undefined || db === undefined)
      throw new Error('batchNormTrainGrad has three outputs');
    return [addStatisticGradients(dx, x, average, cotangent(1), cotangent(2)), dw, db];
  },
  lower: (inputs, { eps }) => {
    const [x, weight, bias] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const wide = cast(x, 'float32');
    const axes = statisticAxes(x.shape);
    const average = mean(wide, { axes, keepDims: true });
    const centred = sub(wide, average);
    const variance = mean(square(centred), { axes, keepDims: true });
    const scaled = mul(centred, mul(rsqrt(add(variance, eps)), perChannel(weight, x.rank)));
    const y = cast(add(scaled, perChannel(bias, x.rank)), x.dtype);
    return [y, reshape(average, [-1]), reshape(variance, [-1])];
  },
  amp: 'follow',
  reference: (inputs, { eps }) => {
    const [x, weight, bias] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const { channels, count } = planes(x.shape);
    const average = new Float64Array(channels);
    const variance = new Float64Array(channels);
    forEachElement(x.shape, (i, c) => {
      average[c] = (average[c] ?? 0) + (x.data[i] ?? 0) / count;
    });
    forEachElement(x.shape, (i, c) => {
      variance[c] = (variance[c] ?? 0) + ((x.data[i] ?? 0) - (average[c] ?? 0)) ** 2 / count;
    });
    const y = new Float64Array(x.data.length);
    forEachElement(x.shape, (i, c) => {
      const normal = ((x.data[i] ?? 0) - (average[c] ?? 0)) / Math.sqrt((variance[c] ?? 0) + eps);
      y[i] = normal * (weight.data[c] ?? 0) + (bias.data[c] ?? 0);
    });
    return [y, average, variance];
  },
  samples: [
    { inputs: [{ shape: [3, 4, 3, 5] }, { shape: [4] }, { shape: [4] }], attrs: { eps: 1e-5 } },
    { inputs: [{ shape: [6, 3] }, { shape: [3] }, { shape: [3] }], attrs: { eps: 1e-3 }, note: 'rank 2' },
  ],
  errors: [
    {
      inputs: [
        { shape: [3, 4, 3, 5], dtype: 'float32' },
        { shape: [5], dtype: 'float32' },
        { shape: [4], dtype: 'float32' },
      ],
      attrs: { eps: 1e-5 },
      message:
        /batchNormTrain: weight must have shape \[4\], one number a channel of x \[3, 4, 3, 5\] \(NCHW\), but has \[5\]/,
    },
  ],
});

export const batchNormTrainGradOp = defineOp<Attributes>({
  name: 'batchNormTrainGrad',
  kind: 'reduce',
  infer: (inputs) => {
    const dy = floatOperand('batchNormTrainGrad', inputs, 1, 'dy');
    const x = normalised(
      'batchNormTrainGrad',
      [at(inputs, 0), ...inputs.slice(2)],
      ['x', 'weight', 'mean', 'variance'],
    );
    if (!sameShape(x.shape, dy.shape)) {
      throw new ShapeError(
        `batchNormTrainGrad: x and dy must have the same shape but are ${formatShape(x.shape)} and ${formatShape(dy.shape)}`,
      );
    }
    const parameter = { shape: [at(x.shape, 1)], dtype: 'float32' } as const;
    return [{ shape: x.shape, dtype: x.dtype }, parameter, parameter];
  },
  grad: 'lower',
  lower: (inputs, { eps }) => {
    const [x, dy, weight, average, variance] = [
      at(inputs, 0),
      at(inputs, 1),
      at(inputs, 2),
      at(inputs, 3),
      at(inputs, 4),
    ];
    const axes = statisticAxes(x.shape);
    const wideDy = cast(dy, 'float32');
    const inverse = rsqrt(add(perChannel(variance, x.rank), eps));
    const centred = sub(cast(x, 'float32'), perChannel(average, x.rank));
    const db = sum(wideDy, { axes, keepDims: true });
    const dw = mul(sum(mul(wideDy, centred), { axes, keepDims: true }), inverse);
    const { count } = planes(x.shape);
    // dx = scale * (dy - (db + normal * dw) / count), with all that is one number a channel taken together first.
    const scale = mul(inverse, perChannel(weight, x.rank));
    const slope = mul(scale, div(mul(dw, inverse), count));
    const offset = mul(scale, div(db, count));
    const dx = sub(sub(mul(wideDy, scale), mul(centred, slope)), offset);
    return [cast(dx, x.dtype), reshape(dw, [-1]), reshape(db, [-1])];
  },
  amp: 'follow',
  reference: (inputs, { eps }) => {
    const [x, dy, weight, average, variance] = [
      at(inputs, 0),
      at(inputs, 1),
      at(inputs, 2),
      at(inputs, 3),
      at(inputs, 4),
    ];
    const { channels, count } = planes(x.shape);
    const inverse = Float64Array.from(variance.data, (value) => 1 / Math.sqrt(value + eps));
    const normal = (i: number, c: number) => ((x.data[i] ?? 0) - (average.data[c] ?? 0)) * (inverse[c] ?? 0);
    const dw = new Float64Array(channels);
    const db = new Float64Array(channels);
    forEachElement(x.shape, (i, c) => {
      dw[c] = (dw[c] ?? 0) + (dy.data[i] ?? 0) * normal(i, c);
      db[c] = (db[c] ?? 0) + (dy.data[i] ?? 0);
    });
    const dx = new Float64Array(x.data.length);
    forEachElement(x.shape, (i, c) => {
      const centred = (dy.data[i] ?? 0) - ((db[c] ?? 0) + normal(i, c) * (dw[c] ?? 0)) / count;
      dx[i] = centred * (inverse[c] ?? 0) * (weight.data[c] ?? 0);
    });
    return [dx, dw, db];
  },
  samples: [
    {
      inputs: [
        { shape: [3, 4, 3, 5] },
        { shape: [3, 4, 3, 5] },
        { shape: [4] },
        { shape: [4] },
        { shape: [4], low: 0.5, high: 1.5 },
      ],
      attrs: { eps: 1e-5 },
    },
  ],
  errors: [
    {
      inputs: [[3, 4, 3, 5], [3, 4, 3, 4], [4], [4], [4]].map((shape) => ({
        shape,
        dtype: 'float32' as const,
      })),
      attrs: { eps: 1e-5 },
      message:
        /batchNormTrainGrad: x and dy must have the same shape but are \[3, 4, 3, 5\] and \[3, 4, 3, 4\]/,
    },
  ],
});

export const batchNormOp = defineOp<Attributes>({
  name: 'batchNorm',
  kind: 'composite',
  infer: (inputs) => {
    const x = normalised('batchNorm', inputs, ['x', 'weight', 'bias', 'mean', 'variance']);
    return { shape: x.shape, dtype: x.dtype };
  },
  grad: 'lower',
  lower: (inputs, { eps }) => {
    const [x, weight, bias, average, variance] = [
      at(inputs, 0),
      at(inputs, 1),
      at(inputs, 2),
      at(inputs, 3),
      at(inputs, 4),
    ];
    const scale = mul(weight, rsqrt(add(variance, eps)));
    const shift = sub(bias, mul(average, scale));
    return cast(add(mul(cast(x, 'float32'), perChannel(scale, x.rank)), perChannel(shift, x.rank)), x.dtype);
  },
  amp: 'follow',
  reference: ([x, weight, bias, average, variance], { eps }) => {
    if (!x || !weight || !bias || !average || !variance) throw new Error('batchNorm: checked by infer');
    const y = numericArray(x.dtype, sizeOf(x.shape));
    forEachElement(x.shape, (i, c) => {
      const normal = ((x.data[i] ?? 0) - (average.data[c] ?? 0)) / Math.sqrt((variance.data[c] ?? 0) + eps);
      y[i] = normal * (weight.data[c] ?? 0) + (bias.data[c] ?? 0);
    });
    return y;
  },
  samples: [
    {
      inputs: [
        { shape: [2, 4, 3, 5] },
        { shape: [4] },
        { shape: [4] },
        { shape: [4] },
        { shape: [4], low: 0.5, high: 1.5 },
      ],
      attrs: { eps: 1e-5 },
    },
  ],
  errors: [
    {
      inputs: [[3, 4, 3, 5], [4], [4], [4], [3]].map((shape) => ({ shape, dtype: 'float32' as const })),
      attrs: { eps: 1e-5 },
      message: /batchNorm: variance must have shape \[4\], one number a channel of x/,
    },
  ],
});

/**
 * Normalises each channel (axis 1) of x by its own mean and biased variance over all other axes, then scales by `weight` and
 * shifts by `bias` (both [C], float32), as `torch.nn.functional.batch_norm(training=True)`. `mean` and `variance` are float32 [C].
 */
export function batchNormTrain(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  { eps = 1e-5 }: { eps?: number } = {},
): { y: Tensor; mean: Tensor; variance: Tensor } {
  const outputs = batchNormTrainOp.all([x, weight, bias], { eps });
  return { y: at(outputs, 0), mean: at(outputs, 1), variance: at(outputs, 2) };
}

/** (x - mean) / sqrt(variance + eps) * weight + bias, all four [C], float32, along axis 1 of x. */
export function batchNorm(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  mean: Tensor,
  variance: Tensor,
  { eps = 1e-5 }: { eps?: number } = {},
): Tensor {
  return batchNormOp.one([x, weight, bias, mean, variance], { eps });
}

/** What reached the statistics themselves: d mean / dx = 1 / n, d variance / dx = 2 (x - mean) / n. Left out when nothing did. */
function addStatisticGradients(
  dx: Tensor,
  x: Tensor,
  average: Tensor,
  dMean: Tensor,
  dVariance: Tensor,
): Tensor {
  const { count } = planes(x.shape);
  let total = dx;
  if (!isZero(dMean)) total = add(total, cast(div(perChannel(dMean, x.rank), count), dx.dtype));
  if (!isZero(dVariance)) {
    const centred = sub(cast(x, 'float32'), perChannel(average, x.rank));
    total = add(total, cast(mul(centred, div(mul(perChannel(dVariance, x.rank), 2), count)), dx.dtype));
  }
  return total;
}

/** Checks x and the float32 vectors after it, and returns x. */
function normalised(op: string, inputs: readonly TensorType[], names: readonly string[]): TensorType {
  const x = floatOperand(op, inputs, 0, at(names, 0));
  const channels = x.shape[1];
  if (channels === undefined)
    throw new ShapeError(`${op}: x must have a channel axis 1 but has shape ${formatShape(x.shape)}`);
  names.slice(1).forEach((name, i) => {
    const vector = floatOperand(op, inputs, i + 1, name);
    if (!sameShape(vector.shape, [channels])) {
      throw new ShapeError(
        `${op}: ${name} must have shape [${channels}], one number a channel of x ${formatShape(x.shape)} (NCHW), but has ${formatShape(vector.shape)}`,
      );
    }
    if (vector.dtype !== 'float32')
      throw new ShapeError(`${op}: ${name} must be float32 but is ${vector.dtype}`);
  });
  return x;
}

/** All axes but the channels'. */
function statisticAxes(shape: Shape): number[] {
  return shape.map((_, axis) => axis).filter((axis) => axis !== 1);
}

/** A vector [C] as [1, C, 1, ...]. */
function perChannel(vector: Tensor, rank: number): Tensor {
  return reshape(vector, [1, -1, ...new Array<number>(rank - 2).fill(1)]);
}

/** Channels, and elements in each. */
function planes(shape: Shape): { channels: number; count: number } {
  const channels = at(shape, 1);
  return { channels, count: sizeOf(shape) / channels };
}

function forEachElement(shape: Shape, visit: (index: number, channel: number) => void): void {
  const channels = at(shape, 1);
  const area = sizeOf(shape.slice(2));
  let i = 0;
  for (let plane = 0; plane < at(shape, 0) * channels; plane++) {
    for (let p = 0; p < area; p++) visit(i++, plane % channels);
  }
}
