/**
 * Tensor methods: `x.add(y)` is `add(x, y)`, for every function in the list below. The list and the functions' own types are all
 * there is; the interface is merged into the class.
 */

import type { HostArray } from '../dtype.ts';
import { evaluate } from '../eager.ts';
import { first } from '../op.ts';
import { Tensor } from '../tensor.ts';
import * as ops from './index.ts';

const names = [
  // elementwise
  ...[
    'add',
    'sub',
    'mul',
    'div',
    'maximum',
    'minimum',
    'pow',
    'powScalar',
    'neg',
    'abs',
    'sign',
    'floor',
    'ceil',
    'round',
  ],
  ...[
    'exp',
    'log',
    'log1p',
    'sqrt',
    'rsqrt',
    'reciprocal',
    'square',
    'sin',
    'cos',
    'atan',
    'tanh',
    'erf',
    'clamp',
    'cast',
  ],
  ...[
    'sigmoid',
    'relu',
    'relu6',
    'leakyRelu',
    'elu',
    'gelu',
    'silu',
    'mish',
    'hardSwish',
    'hardSigmoid',
    'softplus',
  ],
  ...['equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual'],
  ...['logicalAnd', 'logicalOr', 'logicalNot', 'isFinite', 'stopGradient', 'dropout'],
  // reduce
  ...['sum', 'sumTo', 'mean', 'max', 'min', 'prod', 'variance', 'logSumExp', 'argMax', 'argMin'],
  ...['cumSum', 'softmax', 'logSoftmax'],
  // view
  ...[
    'reshape',
    'transpose',
    'expand',
    'unsqueeze',
    'squeeze',
    'slice',
    'pad',
    'split',
    'flip',
    'roll',
    'tile',
  ],
  ...['pixelShuffle'],
  // index
  ...['gather', 'scatterAdd', 'indexSelect', 'indexAdd', 'topK', 'sort'],
  // contract, normalisation, window
  ...['matmul', 'linear', 'conv2d', 'convTranspose2d'],
  ...['batchNormTrain', 'batchNorm', 'layerNorm', 'groupNorm', 'instanceNorm', 'l2Normalize'],
  ...['maxPool2d', 'avgPool2d', 'globalAvgPool', 'adaptiveAvgPool2d', 'resize', 'unfold'],
] as const;

/** A function's type with its first parameter, the tensor, taken by `this`. */
type Method<F> = F extends (x: Tensor, ...rest: infer Rest) => infer Result
  ? (...rest: Rest) => Result
  : never;

type OpMethods = { [Name in (typeof names)[number]]: Method<(typeof ops)[Name]> };

declare module '../tensor.ts' {
  interface Tensor extends OpMethods {
    /** The numbers, computed on the best device. Outside of `trace` only. 16-bit floats come as bit patterns. */
    data(): Promise<HostArray>;
  }
}

function attach(name: string, method: (this: Tensor, ...rest: readonly unknown[]) => unknown): void {
  Object.defineProperty(Tensor.prototype, name, { value: method, writable: true, configurable: true });
}

for (const name of names) {
  attach(name, function (...rest) {
    // biome-ignore lint/performance/noDynamicNamespaceImportAccess: the methods are the whole table
    return Reflect.apply(ops[name], undefined, [this, ...rest]);
  });
}
attach('data', async function () {
  return first(await evaluate([this])).data;
});
