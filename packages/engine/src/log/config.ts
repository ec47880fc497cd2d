/** What a config says of logs: `visualizer` and `logProcessor`, typed and checked. */

import { z } from 'zod';
import type { TypedConfig } from '../config/registry.ts';
import { type VisBackendTypes, visBackends } from './backend.ts';
import './builtin.ts';
import type { CustomScalarConfig, LogProcessorConfig } from './logProcessor.ts';

export interface VisualizerConfig {
  /** Where curves and pictures go besides the work directory's log.jsonl. */
  readonly visBackends?: readonly TypedConfig<VisBackendTypes>[];
}

export const visualizerSchema: z.ZodType<VisualizerConfig> = z.strictObject({
  visBackends: z.array(visBackends.schema()).exactOptional(),
});

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
});

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}
