/** The two kinds of state that a module holds: parameters, which are trained, and buffers, which are not. */

import { type HostArray, type Shape, type TensorType, Variable } from '@omma/core';
import { constant, type Initializer } from './init.ts';

/** A trained float32 variable. It starts at `data`, or at zero; `initialize` fills a whole model. */
export class Parameter extends Variable {
  /** False: frozen. It gets no gradient and no update. */
  trainable = true;
  /** How `initialize` fills it. */
  initializer: Initializer;

  constructor(shape: Shape, initializer: Initializer = constant(0), data?: Float32Array) {
    super('parameter', { shape, dtype: 'float32' }, data);
    this.initializer = initializer;
  }
}

/** State that is kept in checkpoints and not trained: batch-norm statistics. */
export class Buffer extends Variable {
  constructor(type: TensorType, data?: HostArray) {
    super('buffer', type, data);
  }
}
