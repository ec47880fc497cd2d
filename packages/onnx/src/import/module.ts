/**
 * An ONNX model as a Module: its parameters train, and `call` traces its nodes into whatever graph is being built, so it is
 * differentiated, compiled and exported like a model written here.
 */

import { cast, OmmaError, ShapeError, scope, type Tensor } from '@omma/core';
import { Buffer, Dropout, Module, normalizeBatch, Parameter } from '@omma/nn';
import { dtypeOf, NodeContext, type Surroundings } from './context.ts';
import { type FileNode, type FilePort, type OnnxFile, readOnnxFile } from './file.ts';
import { importers } from './operators/index.ts';
import type { ExternalData } from './tensor.ts';
import { type Roles, rolesOf } from './trained.ts';
import { computeNow, isKnown, toTensor, type Value } from './value.ts';

export interface ImportOptions {
  /** Reads the file beside the model in which large tensors lie; without it such models are refused. */
  readonly externalData?: ExternalData;
}

/**
 * Reads an ONNX model (opset 7 to 21, inference operators of vision models) as a module that can be fine-tuned and exported again.
 *
 * Float weights of layers become parameters under the names they have in the file, batch-norm statistics become buffers. Computation is
 * in float32 whatever float type the file has. Throws OmmaError in one line for a damaged file, an operator that is not known, or
 * a shape that depends on data.
 */
export function importOnnx(bytes: Uint8Array, options: ImportOptions = {}): OnnxModule {
  return new OnnxModule(readOnnxFile(bytes, options.externalData ?? null));
}

/** Takes one tensor an input of the model and gives one an output, in the order of the file. */
export class OnnxModule extends Module<readonly Tensor[], Tensor[]> {
  readonly opset: number;
  readonly inputs: readonly FilePort[];
  readonly outputs: readonly FilePort[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly #file: OnnxFile;
  readonly #variables = new Map<string, Parameter | Buffer>();
  readonly #dropouts = new Map<string, Dropout>();

  constructor(file: OnnxFile) {
    super();
    this.#file = file;
    this.opset = file.opset;
    // Old files list their weights among the inputs.
    this.inputs = file.inputs.filter(({ name }) => !file.stored.has(name));
    this.outputs = file.outputs;
    this.metadata = file.metadata;
    const unknown = [...new Set(file.nodes.map(({ type }) => type))].filter(
      (type) => importers[type] === undefined,
    );
    if (unknown.length > 0) {
      throw new OmmaError(
        `importOnnx: no way to import ${unknown.length === 1 ? 'operator' : 'operators'} ${unknown.join(', ')}; ` +
          'export the model without, or cut it before',
      );
    }
    this.#declare(rolesOf(file));
    for (const node of file.nodes) {
      if (node.type === 'Dropout')
        this.#dropouts.set(node.name, this.add(node.name, new Dropout(ratioOf(file, node))));
    }
  }

  #declare({ parameters, buffers }: Roles): void {
    for (const [name, { shape, data }] of parameters) {
      const numbers = Float32Array.from(data);
      const parameter = new Parameter(shape, () => numbers, numbers);
      this.#variables.set(name, this.addVariable(name, parameter));
    }
    for (const [name, { shape, data }] of buffers) {
      const buffer = new Buffer({ shape, dtype: 'float32' }, Float32Array.from(data));
      this.#variables.set(name, this.addVariable(name, buffer));
    }
  }

  override forward(...inputs: readonly Tensor[]): Tensor[] {
    const values = this.#start(inputs);
    const surroundings: Surroundings = {
      opset: this.opset,
      training: this.training,
      batchNorm: (node, x) => this.#batchNorm(node, x),
      dropout: (node, x) => this.#dropouts.get(node.node.name)?.call(x) ?? x,
    };
    for (const node of this.#file.nodes) {
      const results = scope(node.name, () => traceNode(node, values, surroundings));
      node.outputs.forEach((name, i) => {
        const value = results[i];
        if (name !== '' && value !== undefined) values.set(name, value);
      });
    }
    return this.outputs.map(({ name }) => {
      const value = values.get(name);
      if (value === undefined)
        throw new OmmaError(`importOnnx: output ${name} is an optional one that is not imported`);
      return toTensor(value);
    });
  }

  #start(inputs: readonly Tensor[]): Map<string, Value> {
    if (inputs.length !== this.inputs.length) {
      throw new ShapeError(
        `OnnxModule: the model takes ${this.inputs.map(describe).join(', ')} but ${inputs.length} tensors are given`,
      );
    }
    const values = new Map<string, Value>(this.#file.stored);
    for (const [name, variable] of this.#variables) values.set(name, variable.read());
    this.inputs.forEach((port, i) => {
      const x = inputs[i];
      if (x === undefined) return;
      if (port.shape !== null && port.shape.length !== x.rank)
        throw new ShapeError(
          `OnnxModule: input ${describe(port)} is given a tensor of shape [${x.shape.join(', ')}]`,
        );
      values.set(port.name, x.dtype === dtypeOf[port.type] ? x : cast(x, dtypeOf[port.type]));
    });
    return values;
  }

  #batchNorm(node: NodeContext, x: Tensor): Tensor {
    const [runningMean, runningVar] = [3, 4].map((i) => this.#variables.get(node.node.inputs[i] ?? ''));
    if (!(runningMean instanceof Buffer && runningVar instanceof Buffer))
      return node.fail('its mean and variance are not stored in the model');
    return normalizeBatch(x, {
      weight: node.tensor(1),
      bias: node.tensor(2),
      runningMean,
      runningVar,
      eps: node.number('epsilon', 1e-5),
      // ONNX counts the share of the old statistics.
      momentum: 1 - node.number('momentum', 0.9),
      training: this.training,
    });
  }
}

function describe({ name, shape, type }: FilePort): string {
  return `${name} ${dtypeOf[type]}[${shape?.map((extent) => extent ?? '?').join(', ') ?? '...'}]`;
}

/** Dropout's ratio is an attribute up to opset 11 and an input from 12 on. */
function ratioOf(file: OnnxFile, node: FileNode): number {
  const attribute = node.attributes.get('ratio');
  if (typeof attribute === 'number') return attribute;
  return file.stored.get(node.inputs[1] ?? '')?.data[0] ?? 0.5;
}

function traceNode(
  node: FileNode,
  values: ReadonlyMap<string, Value>,
  surroundings: Surroundings,
): readonly Value[] {
  const inputs = node.inputs.map((name) => (name === '' ? null : inputValue(node, values, name)));
  const context = new NodeContext(node, inputs, surroundings);
  const importer = importers[node.type];
  if (importer === undefined) throw new Error(`traceNode: ${node.type} was checked before`);
  const run = () => [importer(context)].flat();
  try {
    const allKnown = inputs.every((input) => input === null || isKnown(input));
    return (allKnown ? computeNow(run) : null) ?? run();
  } catch (error) {
    if (error instanceof ShapeError) return context.fail(error.message);
    throw error;
  }
}

function inputValue(node: FileNode, values: ReadonlyMap<string, Value>, name: string): Value {
  const value = values.get(name);
  if (value === undefined)
    throw new OmmaError(
      `importOnnx: node ${node.name} (${node.type}): its input ${name} is an output that is not imported`,
    );
  return value;
}
