/**
 * A dialect: which ONNX a target takes. Rules write the form that is best in general and ask here where a target may refuse it;
 * everything else that differs between targets (how names look, which element holds a dtype, whether there are scalars) is data.
 *
 * `plain` is what ONNX Runtime likes best; `cann` is what Huawei's compiler `atc` takes for a given toolkit and chip.
 */

import type { DType } from '@omma/core';
import type { ElementType } from '../element.ts';
import type { NodeFacts } from '../inspect/facts.ts';

/** The operator sets that can be written, each with the file format version of its time. */
export const opsets = { 13: 7n, 17: 8n } as const;
export type Opset = keyof typeof opsets;

/** An attribute as rules write it. Plain numbers are integers; `{ float }` marks the other kind, which looks the same in JavaScript. */
export type AttributeInput = number | string | readonly number[] | { readonly float: number };

export interface Dialect {
  readonly name: 'plain' | 'cann';
  readonly opset: Opset;
  /** 1 where a scalar must be a vector of length 1. */
  readonly minRank: 0 | 1;
  /** The most characters of a name, which then has only letters, digits and `_`; null for any names. */
  readonly longestName: number | null;
  /** True where a convolution of a small map is faster as one product for all pictures (see rules/convolution/pictures.ts). */
  readonly mergesPictures: boolean;
  /** The element that values of `dtype` are held in. float32 for a 16-bit float means: rounded to it after every operation. */
  element(dtype: DType): ElementType;
  /**
   * True, or why the target cannot run this operator well. Another form of it is written then, where there is one (`forms.ts`); where
   * there is none it is written all the same.
   */
  allows(node: NodeFacts): true | string;
}
