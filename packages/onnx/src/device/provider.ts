/**
 * What the device needs of ONNX Runtime. onnxruntime-node and onnxruntime-web share one JavaScript API (onnxruntime-common) and differ in
 * how they are loaded and in what they can keep on an accelerator; `node.ts` and `web.ts` fill this in.
 */

import type * as Ort from 'onnxruntime-node';
import type { OrtEvent } from './profile.ts';

export type Runtime = Pick<typeof Ort, 'InferenceSession' | 'Tensor'>;
export type Session = Ort.InferenceSession;
export type SessionOptions = Ort.InferenceSession.SessionOptions;
export type RuntimeTensor = Ort.Tensor;

export interface Provider {
  /** The device's name: `onnx`, or `onnx:webgpu` for another execution provider than the processor. */
  readonly device: string;
  /** Runtime, execution provider, threads: one line for people. */
  readonly description: string;
  /** Where state outputs stay between runs. `gpu-buffer`: in the accelerator's memory, fetched only by `download`. */
  readonly state: 'cpu' | 'gpu-buffer';
  /** See `Dialect.mergesPictures`. */
  readonly mergesPictures: boolean;
  readonly options: SessionOptions;
  /** Loads the runtime, when something is first compiled. */
  load(): Promise<Runtime>;
  /** Begins a profile; null where the runtime cannot write one. */
  readonly profiler: (() => Profiler) | null;
}

/** One profile, of one session. */
export interface Profiler {
  /** Make the session write it. */
  readonly options: SessionOptions;
  /** What was written, once the session's profiling has ended. */
  read(): readonly OrtEvent[];
}
