/**
 * Loads onnxruntime-node: the optional peer with which models are run in Node. It weighs 300 MB, so it is loaded when first needed and
 * its absence is explained.
 */

import { createRequire } from 'node:module';
import { OmmaError } from '@omma/core';
import type * as Ort from 'onnxruntime-node';

export type NodeRuntime = typeof Ort;

/** Skips the package's own download of CUDA libraries, which fails behind a proxy and is not needed. */
const advice = 'install it with: ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node';

let loaded: NodeRuntime | string | undefined;

/** The runtime, or in one line why it cannot be used and what to do about it. */
export function loadNodeRuntime(): NodeRuntime | string {
  loaded ??= load();
  return loaded;
}

/** The runtime. Throws OmmaError when it is not there. */
export function requireNodeRuntime(): NodeRuntime {
  const runtime = loadNodeRuntime();
  if (typeof runtime === 'string') throw new OmmaError(`onnx: ${runtime}`);
  return runtime;
}

function load(): NodeRuntime | string {
  try {
    const runtime: NodeRuntime = createRequire(import.meta.url)('onnxruntime-node');
    return runtime;
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return `onnxruntime-node cannot be loaded (${reason}); ${advice}`;
  }
}
