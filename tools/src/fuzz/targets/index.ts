/** Everything that is fuzzed: each kind of file that Omma reads from strangers. */

import type { Target } from '../target.ts';
import { configTargets } from './config.ts';
import { onnx } from './onnx.ts';
import { pytorch } from './pytorch.ts';
import { safetensors } from './safetensors.ts';

export const targets: readonly Target[] = [pytorch, safetensors, onnx, ...configTargets];
