/**
 * The bytes of an ONNX file as checked plain data: nodes, stored tensors, ports. The first stage of the importer.
 *
 * Nothing in the file is trusted: every size is compared with the bytes that are there before anything is allocated for it.
 * Element types that Omma lacks are widened or narrowed on the way in: float16, bfloat16 and float64 become float32, every integer type
 * but uint8 and uint32 becomes a whole number in float64, which holds 2^53 exactly.
 */

import { fromBinary } from '@bufbuild/protobuf';
import { attributeValue } from '../attributeValue.ts';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type ValueInfoProto,
} from '../proto/onnx_pb.ts';
import { type ExternalData, fail, readTensor, type Stored, type StoredType, storedType } from './tensor.ts';

export type StoredAttribute = number | string | readonly number[] | readonly string[] | Stored;

export interface FileNode {
  readonly type: string;
  /** Its own name, or one made of its operator and place. */
  readonly name: string;
  /** Names of values; '' for an input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, StoredAttribute>;
}

export interface FilePort {
  readonly name: string;
  /** Extents; a name or null where the file leaves one open. Null: not even the rank is known. */
  readonly shape: readonly (number | string | null)[] | null;
  readonly type: StoredType;
}

export interface OnnxFile {
  readonly opset: number;
  readonly producer: string;
  readonly nodes: readonly FileNode[];
  readonly stored: ReadonlyMap<string, Stored>;
  readonly inputs: readonly FilePort[];
  readonly outputs: readonly FilePort[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** The range of operator sets whose meaning the importer knows. */
export const importedOpsets = { from: 7, to: 21 } as const;

/** Reads and checks a model. Throws OmmaError in one line for what is damaged or of another kind. */
export function readOnnxFile(bytes: Uint8Array, externalData: ExternalData | null): OnnxFile {
  const model = decode(bytes);
  const graph = model.graph;
  if (graph === undefined || graph.node.length === 0) fail('the file holds no graph');
  if (model.functions.length > 0)
    fail('the model defines functions of its own; inline them first (onnx.inliner)');
  const opset = opsetOf(model);
  return {
    opset,
    producer: `${model.producerName} ${model.producerVersion}`.trim(),
    nodes: nodesOf(graph, externalData),
    stored: new Map(
      graph.initializer.map((tensor) => [
        tensor.name,
        readTensor(tensor, `initializer ${tensor.name}`, externalData),
      ]),
    ),
    inputs: graph.input.map(readPort),
    outputs: graph.output.map(readPort),
    metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value])),
  };
}

function decode(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail(`the file is not an ONNX model, or is damaged (${reason}, ${bytes.length} bytes)`);
  }
}

function opsetOf(model: ModelProto): number {
  const own = model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx');
  if (own === undefined) fail('the file names no operator set; it is not an ONNX model');
  const opset = Number(own.version);
  const { from, to } = importedOpsets;
  if (opset < from || opset > to)
    fail(`operator sets ${from} to ${to} are known but the model uses ${opset}`);
  return opset;
}

/** Nodes in file order, which must be an order of computation; every name is made once and before it is used. */
function nodesOf(graph: GraphProto, externalData: ExternalData | null): FileNode[] {
  if (graph.sparseInitializer.length > 0) fail('sparse initializers are not supported; store them dense');
  const made = new Set([
    '',
    ...graph.initializer.map(({ name }) => name),
    ...graph.input.map(({ name }) => name),
  ]);
  const nodes = graph.node.map((node, index) => {
    const name = node.name === '' ? `${node.opType}_${index}` : node.name;
    if (node.domain !== '' && node.domain !== 'ai.onnx')
      fail(`node ${name}: operator ${node.opType} of domain ${node.domain} is not of the ONNX standard`);
    const missing = node.input.find((input) => !made.has(input));
    if (missing !== undefined) fail(`node ${name}: nothing before it makes its input ${missing}`);
    for (const output of node.output) {
      if (output !== '' && made.has(output)) fail(`node ${name}: ${output} is made twice`);
      made.add(output);
    }
    return {
      type: node.opType,
      name,
      inputs: node.input,
      outputs: node.output,
      attributes: readAttributes(node, name, externalData),
    };
  });
  const unmade = graph.output.find(({ name }) => !made.has(name));
  if (unmade !== undefined) fail(`no node makes the model's output ${unmade.name}`);
  return nodes;
}

function readAttributes(
  node: NodeProto,
  name: string,
  externalData: ExternalData | null,
): Map<string, StoredAttribute> {
  return new Map(
    node.attribute.map((attribute) => [attribute.name, readAttribute(attribute, name, externalData)]),
  );
}

function readAttribute(
  attribute: AttributeProto,
  node: string,
  externalData: ExternalData | null,
): StoredAttribute {
  return attributeValue(attribute, {
    tensor: (value) => readTensor(value, `node ${node}`, externalData),
    other: ({ name, type }) =>
      fail(
        type === AttributeProto_AttributeType.TENSOR
          ? `node ${node}: its attribute ${name} is empty`
          : `node ${node}: attribute ${name} is of kind ${AttributeProto_AttributeType[type]}; control flow is not imported`,
      ),
  });
}

function readPort(info: ValueInfoProto): FilePort {
  const kind = info.type?.value;
  if (kind?.case !== 'tensorType') return fail(`input or output ${info.name} is not a tensor`);
  const shape = kind.value.shape?.dim.map(({ value }) => {
    if (value.case === 'dimValue') return Number(value.value);
    return value.case === 'dimParam' && value.value !== '' ? value.value : null;
  });
  return { name: info.name, shape: shape ?? null, type: storedType(kind.value.elemType, info.name) };
}
