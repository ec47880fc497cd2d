/**
 * Families of schedules of a user's own, beside the built-in ones. A family has four schedules, as those have: `SawtoothLR`, `SawtoothMomentum`,
 * `SawtoothWeightDecay`, `SawtoothParamScheduler`.
 *
 *     declare module '@omma/engine' {
 *       interface SchedulerFamilies { Sawtooth: { readonly period: number } }
 *     }
 *     const schema = z.strictObject({ period: z.number().positive() });
 *     schedulerFamilies.register('Sawtooth', schema, ({ period }) => ({ scale }) => (_, base, step) =>
 *       base * (1 - (step % (period * scale)) / (period * scale)));
 *
 * The options are those of the family alone; when it acts (`begin`, `end`, `byEpoch`, ...) is the same for all.
 */

import { Registry } from '../config/registry.ts';
import type { Rule, SpanLength } from './rules.ts';
import { type SchedulerFamilies, suffixes } from './types.ts';

export const schedulerFamilies = new Registry<SchedulerFamilies, (span: SpanLength) => Rule>(
  'schedule family',
);

const suffix = new RegExp(`(?:${suffixes.join('|')})$`);

/** The registered family of a schedule's type; null for one of the built-in schedules, and for what is none. */
export function ownFamilyOf(type: unknown): string | null {
  if (typeof type !== 'string' || !suffix.test(type)) return null;
  const family = type.replace(suffix, '');
  return schedulerFamilies.names.includes(family) ? family : null;
}

/** A schedule's options without those that all schedules have. */
export function familyOptions(config: object, common: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).filter(([key]) => !common.includes(key) && key !== 'type' && key !== 'paramName'),
  );
}
