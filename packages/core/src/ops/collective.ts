/**
 * The sum over all ranks of a data parallel run, as an op: what gradients and the statistics of synchronised batch norm go through on devices that run
 * collectives inside their programs (`Communicator.inGraph`), and where a graph is cut (`collectives` of `compile`). All ranks must run the same graph.
 */

import { OmmaError, ShapeError } from '../errors.ts';
import { at, defineOp } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { floatOperand } from './operands.ts';

type Attributes = { readonly ranks: number };

const allReduceOp = defineOp<Attributes>({
  name: 'allReduce',
  kind: 'collective',
  infer: (inputs, { ranks }) => {
    if (!Number.isInteger(ranks) || ranks < 1)
      throw new ShapeError(`allReduce: ranks must be a whole number from 1 but is ${ranks}`);
    const { shape, dtype } = floatOperand('allReduce', inputs, 0, 'x');
    return { shape, dtype };
  },
  // A rank's x is in the sum of every rank, so the gradients that arrived there all come back to it.
  grad: ({ cotangent, attrs }) => [allReduce(cotangent(), attrs.ranks)],
  // A sum over one rank is that rank's own.
  lower: (inputs, { ranks }) => {
    requireOne(ranks);
    return at(inputs, 0);
  },
  amp: 'f32',
  reference: (inputs, { ranks }) => {
    requireOne(ranks);
    return at(inputs, 0).data.slice();
  },
  samples: [{ inputs: [{ shape: [2, 3] }], attrs: { ranks: 1 }, note: 'one rank' }],
  errors: [
    {
      inputs: [{ shape: [2], dtype: 'float32' }],
      attrs: { ranks: 0 },
      message: /allReduce: ranks must be a whole number from 1 but is 0/,
    },
  ],
});

/** For devices that are not connected with the other processes of a run. */
function requireOne(ranks: number): void {
  if (ranks === 1) return;
  throw new OmmaError(
    `allReduce: between ${ranks} ranks it runs on devices that are connected with the other processes (cpu with Gloo or Open MPI); this one is alone`,
  );
}

/** The sum of `x` over all `ranks` processes of the run, on every one of them the same bits. `x` has the same shape everywhere. */
export function allReduce(x: Tensor, ranks: number): Tensor {
  return at(allReduceOp.all([x], { ranks }), 0);
}
