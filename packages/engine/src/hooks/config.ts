/** The hooks' part of a config: options of those that every run has, and any others by type. */

import { z } from 'zod';
import { problemsOf } from '../config/problems.ts';
import { type HookTypes, hooks } from '../config/registries.ts';
import type { TypedConfig } from '../config/registry.ts';
import type { Hook } from './hook.ts';
import { type Priority, type PriorityName, priorities } from './priority.ts';

export interface CheckpointHookConfig {
  /** Save every so many epochs (1 unless given); in a run by iterations, every so many of those (1000 unless given). */
  readonly interval?: number;
  /** Save every so many iterations too. */
  readonly intervalIterations?: number;
  /** The first epoch (or iteration, in a run by iterations) at which `interval` saves; 0 unless given. */
  readonly saveBegin?: number;
  /** Checkpoints kept beside the best one; 2 unless given. */
  readonly maxKeep?: number;
  /** Metrics whose best checkpoints are kept: 'accuracy/top1', or several; 'auto' is the first metric; null keeps none. */
  readonly saveBest?: string | readonly string[] | null;
  /** Whether more is better; guessed from the metric's name unless given. With several metrics a rule for each, or one for all. */
  readonly rule?: 'greater' | 'less' | readonly ('greater' | 'less')[];
}

export interface LoggerHookConfig {
  /** Iterations between log lines; 10 unless given. */
  readonly interval?: number;
}

export interface DefaultHooksConfig {
  readonly checkpoint?: CheckpointHookConfig;
  readonly logger?: LoggerHookConfig;
}

/** A registered hook by type, with its options, and its place among the others. */
export type CustomHookConfig = TypedConfig<HookTypes> & { readonly priority?: Priority };

const count = z.int().positive();
const rule = z.enum(['greater', 'less']);

export const checkpointHookSchema = z.strictObject({
  interval: count.exactOptional(),
  intervalIterations: count.exactOptional(),
  saveBegin: z.int().min(0).exactOptional(),
  maxKeep: count.exactOptional(),
  saveBest: z
    .union([z.string(), z.array(z.string()).min(1)])
    .nullable()
    .exactOptional(),
  rule: z.union([rule, z.array(rule).min(1)]).exactOptional(),
});

export const defaultHooksSchema = z.strictObject({
  checkpoint: checkpointHookSchema.exactOptional(),
  logger: z.strictObject({ interval: count.exactOptional() }).exactOptional(),
});

const names = Object.keys(priorities).filter((name): name is PriorityName => name in priorities);
const prioritySchema = z.union([z.enum(names), z.number().min(0).max(100)]);

/** `priority` beside the options of any registered hook. */
export const customHookSchema = z.custom<CustomHookConfig>().superRefine((value: unknown, context) => {
  const { priority, rest } = split(value);
  const problems = [
    ...(priority === undefined ? [] : problemsOf(z.strictObject({ priority: prioritySchema }), { priority })),
    ...problemsOf(hooks.schema(), rest),
  ];
  for (const { message, path, value: input } of problems)
    context.addIssue({ code: 'custom', message, path: [...path], input });
});

/** The hook that a checked config describes, and the priority that the config gives it. */
export function buildHook(config: CustomHookConfig): { hook: Hook; priority: Priority | undefined } {
  return { hook: hooks.build(hooks.schema().parse(split(config).rest)), priority: config.priority };
}

function split(value: unknown): { priority: unknown; rest: unknown } {
  if (typeof value !== 'object' || value === null) return { priority: undefined, rest: value };
  const { priority, ...rest } = { priority: undefined, ...value };
  return { priority, rest };
}
