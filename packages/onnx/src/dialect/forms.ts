/**
 * Other forms: how an ONNX operator is written with other operators where the dialect does not take it as it is. Rules write the form
 * that is best in general and know nothing of targets; the model builder asks here whenever a dialect refuses a node.
 *
 * A form may decline (null) when it cannot express this use; the operator is then written all the same, and runs slowly or fails with
 * the target's own message. What a form writes is asked about again, so forms can build on each other.
 */

import type { NodeFacts } from '../inspect/facts.ts';
import type { ModelBuilder, Origin } from '../model.ts';
import type { AttributeInput } from './dialect.ts';
import { FormContext } from './formContext.ts';

/** One node that the dialect refuses. */
export interface RefusedNode {
  readonly model: ModelBuilder;
  readonly facts: NodeFacts;
  /** Names; empty for what is left out. */
  readonly inputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeInput>>;
  readonly origin: Origin;
  readonly outputCount: number;
}

/** Writes the node otherwise and returns the names of its outputs; null when it cannot. */
export type Form = (context: FormContext) => string | readonly string[] | null;

const forms = new Map<string, Form>();

/** Says how operator `opType` is written where a dialect refuses it. */
export function defineForm(opType: string, form: Form): void {
  forms.set(opType, form);
}

/** The outputs of `node` written in another form, or null when there is none. */
export function otherForm(node: RefusedNode): string[] | null {
  const written = forms.get(node.facts.opType)?.(new FormContext(node)) ?? null;
  return typeof written === 'string' ? [written] : written === null ? null : [...written];
}
