/** Everything that is fuzzed: each kind of file that Omma reads from strangers. */

import type { Target } from '../target.ts';
import { archiveTargets } from './archive.ts';
import { configTargets } from './config.ts';
import { log } from './log.ts';
import { onnx } from './onnx.ts';
import { pytorch } from './pytorch.ts';
import { safetensors } from './safetensors.ts';

export const targets: readonly Target[] = [
  pytorch,
  safetensors,
  onnx,
  ...configTargets,
  ...archiveTargets,
  log,
];
