/**
 * Which of the stored tensors of a model are trained. ONNX does not say: a weight, an anchor grid and a scale factor are all initializers.
 *
 * The rule is by use: what layers multiply with or add as their bias is a parameter; the running statistics of a batch norm are
 * buffers; everything else is a constant.
 */

import type { FileNode, OnnxFile } from './file.ts';
import type { Stored } from './tensor.ts';

/** Inputs of layers that hold parameters. */
const parameterInputs: Readonly<Record<string, readonly number[]>> = {
  BatchNormalization: [1, 2],
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [1, 2],
  GroupNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  LayerNormalization: [1, 2],
  MatMul: [0, 1],
  PRelu: [1],
};

export interface Roles {
  readonly parameters: ReadonlyMap<string, Stored>;
  readonly buffers: ReadonlyMap<string, Stored>;
}

export function rolesOf({ nodes, stored }: OnnxFile): Roles {
  const parameters = new Map<string, Stored>();
  const buffers = new Map<string, Stored>();
  const take = (into: Map<string, Stored>, name: string | undefined) => {
    const tensor = name === undefined ? undefined : stored.get(name);
    if (name !== undefined && tensor?.type === 'float32') into.set(name, tensor);
  };
  const products = new Set(nodes.filter(({ type }) => type === 'MatMul').flatMap(({ outputs }) => outputs));
  for (const node of nodes) {
    for (const index of parameterInputs[node.type] ?? []) take(parameters, node.inputs[index]);
    if (node.type === 'BatchNormalization') for (const index of [3, 4]) take(buffers, node.inputs[index]);
    take(parameters, biasOf(node, products, stored));
  }
  return { parameters, buffers };
}

/** A linear layer over more than two axes is a MatMul and an Add of a vector. */
function biasOf(
  { type, inputs }: FileNode,
  products: ReadonlySet<string>,
  stored: ReadonlyMap<string, Stored>,
): string | undefined {
  if (type !== 'Add' || !inputs.some((name) => products.has(name))) return undefined;
  return inputs.find((name) => stored.get(name)?.shape.length === 1);
}
