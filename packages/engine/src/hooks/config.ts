/** The hooks' part of a config: options of those that every run has, and any others by type. */

import { z } from 'zod';
import { splitKey, withExtraKey } from '../config/extraKey.ts';
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
  /** Checkpoints kept beside the best one; 2 unless given, -1 keeps all. */
  readonly maxKeep?: number;
  /** Checkpoints go there, into a folder that is called like the work directory; into the work directory itself unless given. */
  readonly outDir?: string;
  /** Names of checkpoints: {} is the iteration, with ten digits; 'iter_{}.safetensors' unless given. */
  readonly filenameTemplate?: string;
  /** Metrics whose best checkpoints are kept: 'accuracy/top1', or several; 'auto' is the first metric; null keeps none. */
  readonly saveBest?: string | readonly string[] | null;
  /** Whether more is better; guessed from the metric's name unless given. With several metrics a rule for each, or one for all. */
  readonly rule?: 'greater' | 'less' | readonly ('greater' | 'less')[];
  /** Parts of names of metrics of which more, or less, is better, for where `rule` does not say it. */
  readonly greaterKeys?: readonly string[];
  readonly lessKeys?: readonly string[];
  /** At the end writes the weights of the newest and the best checkpoint without the run's state, named by their hash. */
  readonly publish?: boolean;
}

export interface LoggerHookConfig {
  /** Iterations between log lines; 10 unless given. */
  readonly interval?: number;
  /** At the end of the run, however it ends, the logs are copied there, into a folder that is called like the work directory. */
  readonly outDir?: string;
}

export interface VisualizationHookConfig {
  /** True unless given; only models that can draw their predictions have pictures. */
  readonly enable?: boolean;
  /** Every so many samples of an evaluation; spread over the data set unless given. */
  readonly interval?: number;
  /** Pictures an evaluation; 8 unless given. */
  readonly maxImages?: number;
  /** Where a test puts its pictures; nowhere unless given. */
  readonly testOutDir?: string;
}

export interface DefaultHooksConfig {
  readonly visualization?: VisualizationHookConfig;
  readonly checkpoint?: CheckpointHookConfig;
  readonly logger?: LoggerHookConfig;
}

/** A registered hook by type, with its options, and its place among the others. */
export type CustomHookConfig = TypedConfig<HookTypes> & { readonly priority?: Priority };

const count = z.int().positive();
const path = z.string().min(1);
const rule = z.enum(['greater', 'less']);

export const checkpointHookSchema = z.strictObject({
  interval: count.exactOptional(),
  intervalIterations: count.exactOptional(),
  saveBegin: z.int().min(0).exactOptional(),
  maxKeep: z.union([count, z.literal(-1)]).exactOptional(),
  outDir: path.exactOptional(),
  filenameTemplate: z
    .string()
    .regex(/^[\w.-]*\{\}[\w.-]*\.safetensors$/, {
      error: "expected a file name with one {} for the iteration, such as 'flowers_{}.safetensors'",
    })
    .exactOptional(),
  saveBest: z
    .union([z.string(), z.array(z.string()).min(1)])
    .nullable()
    .exactOptional(),
  rule: z.union([rule, z.array(rule).min(1)]).exactOptional(),
  greaterKeys: z.array(path).exactOptional(),
  lessKeys: z.array(path).exactOptional(),
  publish: z.boolean().exactOptional(),
});

export const defaultHooksSchema = z.strictObject({
  checkpoint: checkpointHookSchema.exactOptional(),
  logger: z.strictObject({ interval: count.exactOptional(), outDir: path.exactOptional() }).exactOptional(),
  visualization: z
    .strictObject({
      enable: z.boolean().exactOptional(),
      interval: count.exactOptional(),
      maxImages: count.exactOptional(),
      testOutDir: z.string().min(1).exactOptional(),
    })
    .exactOptional(),
});

const names = Object.keys(priorities).filter((name): name is PriorityName => name in priorities);
const prioritySchema = z.union([z.enum(names), z.number().min(0).max(100)]);

/** `priority` beside the options of any registered hook. */
export const customHookSchema = withExtraKey<CustomHookConfig>(
  () => hooks.schema(),
  'priority',
  prioritySchema,
);

/** The hook that a checked config describes, and the priority that the config gives it. */
export function buildHook(config: CustomHookConfig): { hook: Hook; priority: Priority | undefined } {
  return {
    hook: hooks.build(hooks.schema().parse(splitKey(config, 'priority').rest)),
    priority: config.priority,
  };
}
