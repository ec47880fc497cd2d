/** Facts about any ONNX file, for checks that need no runtime. */

export { describeOnnx } from './describe.ts';
export {
  type AttributeFact,
  type Extents,
  elementTypeNames,
  type ModelFacts,
  type NodeFacts,
  type OnnxElement,
  unknownValue,
  type ValueFacts,
} from './facts.ts';
