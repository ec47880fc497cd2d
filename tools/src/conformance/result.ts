/** What the conformance suite finds: one record a check. Skips are data with a reason, so that nothing is left out silently. */

/**
 * - forward: the op on the device against the reference device
 * - gradient: its gradient on the device against the gradient on the reference device
 * - derivative: the reference gradient against directional differences in float64
 * - lowering: the op's lowering against its own reference kernel
 * - memory: live bytes of the device after the check as before it
 * - refusal: bad inputs are refused when traced, with the op's message
 */
export type CheckName = 'forward' | 'gradient' | 'derivative' | 'lowering' | 'memory' | 'refusal';

export const checkNames: readonly CheckName[] = [
  'forward',
  'gradient',
  'derivative',
  'lowering',
  'memory',
  'refusal',
];

/** Why a check was not made. */
export type SkipReason =
  /** The op says that it has no gradient, and why. */
  | 'no gradient'
  /** The sample says that differences cannot check its gradient: ties, steps. */
  | 'not smooth'
  /** No float input or no float output to differentiate. */
  | 'nothing to differentiate'
  /** Differences need more digits than a 16-bit type has. */
  | '16-bit'
  /** The op has no lowering, or no kernel of its own to hold it against. */
  | 'one definition only'
  /** The device has no kernel and the op cannot be lowered to what it has. */
  | 'unsupported';

export type Outcome =
  | { readonly status: 'pass' }
  | { readonly status: 'fail'; readonly message: string }
  | { readonly status: 'skip'; readonly reason: SkipReason; readonly detail: string };

export interface CheckResult {
  readonly op: string;
  /** Which of the op's samples, in words. */
  readonly sample: string;
  readonly check: CheckName;
  readonly device: string;
  readonly outcome: Outcome;
}

export const pass: Outcome = { status: 'pass' };

export function fail(message: string): Outcome {
  return { status: 'fail', message };
}

export function skip(reason: SkipReason, detail = ''): Outcome {
  return { status: 'skip', reason, detail };
}
