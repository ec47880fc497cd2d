/**
 * Types of the values that a node makes, from its inputs and attributes: element type and extents. One table row an operator; the
 * operators that only compute shapes also pass their numbers on (`known.ts`), because exporters write reshape targets with them.
 */

import type { ValueFacts } from './facts.ts';
import { InferContext, type InferenceInput, type Inferred, nothing } from './inferContext.ts';
import { layoutRules } from './inferLayout.ts';
import { windowRules } from './inferWindow.ts';
import { known } from './known.ts';

type Rule = (node: InferContext) => readonly Inferred[];

/** Same type and extents as the first input. */
const likeFirst: Rule = (node) => [node.input(0)];
/** Elements of the first input, extents by broadcasting. */
const broadcast: Rule = (node) => [{ type: node.input(0).type, shape: node.broadcast(node.inputs) }];
const predicate: Rule = (node) => [{ type: 'bool', shape: node.broadcast(node.inputs) }];
const count: Rule = (node) => [{ type: 'int64', shape: node.reduced() }];
const reduce: Rule = (node) => [{ type: node.input(0).type, shape: node.reduced() }];

const each = (names: string, rule: Rule): [string, Rule][] => names.split(' ').map((name) => [name, rule]);

const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...each(
    'Abs Acos Acosh Asin Asinh Atan Atanh BatchNormalization BitwiseNot Ceil Celu Clip Cos Cosh CumSum Dropout Elu Erf Exp Floor Gelu ' +
      'HardSigmoid HardSwish Hardmax Identity InstanceNormalization LRN LayerNormalization LeakyRelu Log LogSoftmax LpNormalization ' +
      'MeanVarianceNormalization Mish Neg PRelu Reciprocal Relu Round ScatterElements Scatter ScatterND Selu Shrink Sigmoid Sign Sin ' +
      'Sinh Softmax Softplus Softsign Sqrt Tan Tanh ThresholdedRelu Trilu',
    likeFirst,
  ),
  ...each('Add BitShift BitwiseAnd BitwiseOr BitwiseXor Div Max Mean Min Mod Mul Pow Sub Sum', broadcast),
  ...each('And Equal Greater GreaterOrEqual Less LessOrEqual Or Xor', predicate),
  ...each('IsInf IsNaN Not', (node) => [{ type: 'bool', shape: node.input(0).shape }]),
  ...each(
    'ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare',
    reduce,
  ),
  ...each('ArgMax ArgMin', count),
  ['Where', (node) => [{ type: node.input(1).type, shape: node.broadcast(node.inputs) }]],
  ['Cast', (node) => [{ type: node.element('to'), shape: node.input(0).shape }]],
  ['CastLike', (node) => [{ type: node.input(1).type, shape: node.input(0).shape }]],
  ['Constant', (node) => [node.constant()]],
  ...layoutRules,
  ...windowRules,
]);

/** What each output is; shorter than the outputs, or with nulls inside, where that is not known. */
export function inferOutputs(node: InferenceInput): readonly ValueFacts[] {
  const context = new InferContext(node);
  const inferred = rules.get(node.opType)?.(context) ?? [nothing];
  const values = known(context);
  const constant = node.inputs.every((input) => input === null || input.constant);
  return inferred.map(({ type, shape }, i) => ({
    type,
    shape,
    constant,
    values: i === 0 ? values : null,
  }));
}
