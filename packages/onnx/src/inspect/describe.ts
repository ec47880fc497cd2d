/**
 * Reads an ONNX file into facts: follows the nodes in file order and infers the type of every value from those before it.
 *
 * Nothing of the file is trusted: names that nothing makes are unknown values, extents are only compared, and numbers are read as far
 * as there are bytes.
 */

import { fromBinary } from '@bufbuild/protobuf';
import { OmmaError } from '@omma/core';
import { attributeValue } from '../attributeValue.ts';
import {
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  TensorProto_DataLocation,
  type TypeProto,
  type ValueInfoProto,
} from '../proto/onnx_pb.ts';
import { tensorFormat, tensorNumbers } from '../tensorNumbers.ts';
import {
  type AttributeFact,
  type Extents,
  elementName,
  type ModelFacts,
  type NodeFacts,
  unknownValue,
  type ValueFacts,
} from './facts.ts';
import { inferOutputs } from './infer.ts';

/** What is known of the ONNX file in `bytes`. Throws OmmaError when they are not one. */
export function describeOnnx(bytes: Uint8Array): ModelFacts {
  const model = decode(bytes);
  const graph = model.graph;
  if (graph === undefined || graph.node.length === 0) {
    throw new OmmaError('the ONNX file holds no graph');
  }
  const opsets = new Map(
    model.opsetImport.map(({ domain, version }) => [domain === 'ai.onnx' ? '' : domain, Number(version)]),
  );
  const values = new Map<string, ValueFacts>();
  for (const info of [...graph.valueInfo, ...graph.output]) values.set(info.name, portFacts(info));
  for (const tensor of graph.initializer) values.set(tensor.name, tensorFacts(tensor));
  const inputs = graph.input.filter(({ name }) => values.get(name)?.constant !== true);
  for (const info of inputs) values.set(info.name, portFacts(info));
  return {
    opsets,
    producer: `${model.producerName} ${model.producerVersion}`.trim(),
    nodes: describeNodes(graph, values),
    inputs: inputs.map((info) => ({ ...portFacts(info), name: info.name })),
  };
}

function decode(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OmmaError(`not an ONNX file, or damaged (${reason}, ${bytes.length} bytes)`);
  }
}

function describeNodes(graph: GraphProto, values: Map<string, ValueFacts>): NodeFacts[] {
  return graph.node.map((node, index) => {
    const inputs = node.input.map((name) => (name === '' ? null : (values.get(name) ?? unknownValue)));
    const attributes = new Map(node.attribute.map((attribute) => [attribute.name, attributeFact(attribute)]));
    const facts = describeNode(node, index, inputs, attributes, values);
    for (const [i, name] of node.output.entries()) {
      const output = facts.outputs[i] ?? unknownValue;
      if (name !== '') values.set(name, output);
    }
    return facts;
  });
}

function describeNode(
  node: NodeProto,
  index: number,
  inputs: readonly (ValueFacts | null)[],
  attributes: ReadonlyMap<string, AttributeFact>,
  declared: ReadonlyMap<string, ValueFacts>,
): NodeFacts {
  const domain = node.domain === 'ai.onnx' ? '' : node.domain;
  const constant = inputs.every((input) => input === null || input.constant);
  const inferred =
    domain === ''
      ? inferOutputs({ opType: node.opType, inputs, attributes, outputCount: node.output.length })
      : [];
  const outputs = node.output.map((name, i) => {
    if (name === '') return null;
    const { type, shape, values } = inferred[i] ?? unknownValue;
    const said = declared.get(name) ?? unknownValue;
    return { type: type ?? said.type, shape: shape ?? said.shape, values, constant };
  });
  return {
    name: node.name === '' ? `${node.opType}_${index}` : node.name,
    domain,
    opType: node.opType,
    attributes,
    inputs,
    outputs,
  };
}

function portFacts(info: ValueInfoProto): ValueFacts {
  return { ...typeFacts(info.type), constant: false, values: null };
}

function typeFacts(type: TypeProto | undefined): Pick<ValueFacts, 'type' | 'shape'> {
  if (type?.value.case !== 'tensorType') return { type: null, shape: null };
  const { elemType, shape } = type.value.value;
  const extents: Extents =
    shape?.dim.map(({ value }) =>
      value.case === 'dimValue' && value.value >= 0n ? Number(value.value) : null,
    ) ?? null;
  return { type: elementName(elemType), shape: extents };
}

function tensorFacts(tensor: TensorProto): ValueFacts {
  return {
    type: elementName(tensor.dataType),
    shape: tensor.dims.map(Number),
    constant: true,
    values: integersOf(tensor),
  };
}

/** The numbers of an int32 or int64 tensor that lies in the file; null for others. */
function integersOf(tensor: TensorProto): number[] | null {
  const type = elementName(tensor.dataType);
  const format = tensorFormat(tensor.dataType);
  const external = tensor.dataLocation === TensorProto_DataLocation.EXTERNAL;
  if (format === undefined || external || (type !== 'int64' && type !== 'int32')) return null;
  return [...tensorNumbers(format, tensor, tensor.rawData.length === 0 ? null : tensor.rawData)];
}

function attributeFact(attribute: AttributeProto): AttributeFact {
  return attributeValue(attribute, { tensor: tensorFacts, other: () => null });
}
