/** What a config says of logs: `visualizer`, `logProcessor` and `logLevel`, typed and checked. */

import { z } from 'zod';
import type { TypedConfig } from '../config/registry.ts';
import { type VisBackendTypes, visBackends } from './backend.ts';
import './builtin.ts';
import type { CustomScalarConfig, LogProcessorConfig } from './logProcessor.ts';

export interface VisualizerConfig {
  /** Where curves and pictures go besides the work directory's log.jsonl. */
  readonly visBackends?: readonly TypedConfig<VisBackendTypes>[];
  /** Several processes: a log of each, log.rank1.jsonl and so on beside rank 0's log.jsonl, with its own times, memory and warnings. */
  readonly logEveryRank?: boolean;
}

export const visualizerSchema: z.ZodType<VisualizerConfig> = z.strictObject({
  visBackends: z.array(visBackends.schema()).exactOptional(),
  logEveryRank: z.boolean().exactOptional(),
});

/** What a terminal is told, MMEngine's `log_level`; log files always have everything. */
export const logLevels = ['debug', 'info', 'warning', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

const window = z.int().positive();

const pattern = z.string().refine(isPattern, { error: 'expected a regular expression' });

const custom: z.ZodType<CustomScalarConfig> = z.strictObject({
  dataSrc: z.string().min(1),
  methodName: z.enum(['mean', 'max', 'min', 'current']),
  windowSize: z.union([window, z.enum(['epoch', 'global'])]).exactOptional(),
  logName: z.string().min(1).exactOptional(),
});

export const logProcessorSchema: z.ZodType<LogProcessorConfig> = z.strictObject({
  windowSize: window.exactOptional(),
  meanPattern: pattern.exactOptional(),
  customConfig: z.array(custom).exactOptional(),
  numDigits: z.int().min(1).max(17).exactOptional(),
});

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}
