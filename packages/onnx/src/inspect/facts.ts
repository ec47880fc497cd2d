/**
 * What is known of an ONNX file without running it: nodes, attributes, and of every value its element type, extents and, for small
 * integers, numbers. Unlike the importer this takes any operator of any domain; what cannot be worked out is null.
 */

import { TensorProto_DataType } from '../proto/onnx_pb.ts';

/** ONNX element types by their usual names. */
const elementNames = {
  [TensorProto_DataType.FLOAT]: 'float32',
  [TensorProto_DataType.UINT8]: 'uint8',
  [TensorProto_DataType.INT8]: 'int8',
  [TensorProto_DataType.UINT16]: 'uint16',
  [TensorProto_DataType.INT16]: 'int16',
  [TensorProto_DataType.INT32]: 'int32',
  [TensorProto_DataType.INT64]: 'int64',
  [TensorProto_DataType.STRING]: 'string',
  [TensorProto_DataType.BOOL]: 'bool',
  [TensorProto_DataType.FLOAT16]: 'float16',
  [TensorProto_DataType.DOUBLE]: 'float64',
  [TensorProto_DataType.UINT32]: 'uint32',
  [TensorProto_DataType.UINT64]: 'uint64',
  [TensorProto_DataType.COMPLEX64]: 'complex64',
  [TensorProto_DataType.COMPLEX128]: 'complex128',
  [TensorProto_DataType.BFLOAT16]: 'bfloat16',
} as const;

export type OnnxElement = (typeof elementNames)[keyof typeof elementNames];

export const elementTypeNames: readonly OnnxElement[] = Object.values(elementNames);

const byCode: ReadonlyMap<number, OnnxElement> = new Map(
  Object.entries(elementNames).map(([code, name]) => [Number(code), name]),
);

/** The element type with this number in ONNX files, or null for one of those that are newer than opset 18 (8-bit floats, 4-bit integers). */
export function elementName(code: number): OnnxElement | null {
  return byCode.get(code) ?? null;
}

/** Extents; null for one that is open. A null in place of the list: not even the rank is known. */
export type Extents = readonly (number | null)[] | null;

export interface ValueFacts {
  readonly type: OnnxElement | null;
  readonly shape: Extents;
  /** An initializer, a Constant node, or made from such alone. */
  readonly constant: boolean;
  /** The numbers, where they are integers that are known. */
  readonly values: readonly number[] | null;
}

export const unknownValue: ValueFacts = { type: null, shape: null, constant: false, values: null };

/** Numbers, text, lists of them; a tensor as what is known of it; null for graphs and other kinds. */
export type AttributeFact = number | string | readonly number[] | readonly string[] | ValueFacts | null;

export interface NodeFacts {
  /** Its own name, or one made of its operator and place, as Huawei's parser names it. */
  readonly name: string;
  readonly domain: string;
  readonly opType: string;
  readonly attributes: ReadonlyMap<string, AttributeFact>;
  /** Null for an optional input that is left out. */
  readonly inputs: readonly (ValueFacts | null)[];
  /** Null for an output without a name. */
  readonly outputs: readonly (ValueFacts | null)[];
}

export interface ModelFacts {
  /** Operator set by domain; '' is ONNX itself. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly producer: string;
  readonly nodes: readonly NodeFacts[];
  /** Inputs that are not initializers too. */
  readonly inputs: readonly (ValueFacts & { readonly name: string })[];
}
