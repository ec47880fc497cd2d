/** An attribute of an ONNX node, decoded: what the importer and the inspection of foreign files have in common. */

import { type AttributeProto, AttributeProto_AttributeType, type TensorProto } from './proto/onnx_pb.ts';

/** Numbers, text, lists of them. */
export type PlainAttribute = number | string | number[] | string[];

/** What an attribute holds; `tensor` reads one, `other` answers for empty tensors, graphs and newer kinds. */
export function attributeValue<T, O>(
  attribute: AttributeProto,
  { tensor, other }: { tensor(value: TensorProto): T; other(attribute: AttributeProto): O },
): PlainAttribute | T | O {
  const text = (raw: Uint8Array) => new TextDecoder().decode(raw);
  switch (attribute.type) {
    case AttributeProto_AttributeType.FLOAT:
      return attribute.f;
    case AttributeProto_AttributeType.INT:
      return Number(attribute.i);
    case AttributeProto_AttributeType.STRING:
      return text(attribute.s);
    case AttributeProto_AttributeType.FLOATS:
      return attribute.floats;
    case AttributeProto_AttributeType.INTS:
      return attribute.ints.map(Number);
    case AttributeProto_AttributeType.STRINGS:
      return attribute.strings.map(text);
    case AttributeProto_AttributeType.TENSOR:
      return attribute.t === undefined ? other(attribute) : tensor(attribute.t);
    default:
      return other(attribute);
  }
}
