/**
 * ProfilerHook: where the time of a few steps goes. Writes a trace for chrome://tracing or Perfetto, and the most expensive nodes as a notice.
 *
 * A device measures every node over many runs and keeps the sums. So the trace shows two things: on the first line the steps as the host saw them,
 * and below one mean step, its nodes laid end to end in the order of execution.
 */

import { join } from 'node:path';
import type { NodeProfile } from '@omma/core';
import { textFile } from '@omma/storage';
import { z } from 'zod';
import type { TrainingContext } from '../runner/context.ts';
import type { IterationEvent } from '../runner/events.ts';
import type { TrainSetup } from '../runner/setup.ts';
import type { Hook } from './hook.ts';

export interface ProfilerHookOptions {
  /** Steps before it begins, while caches fill and threads start; 2 unless given. */
  readonly wait?: number;
  /** Steps that are measured; 10 unless given. */
  readonly steps?: number;
  /** File of the trace; trace.json in the work directory unless given. */
  readonly jsonTracePath?: string;
  /** Ends training when the trace is written. */
  readonly exitAfterProfiling?: boolean;
}

export const profilerHookSchema = z.strictObject({
  wait: z.int().min(0).exactOptional(),
  steps: z.int().positive().exactOptional(),
  jsonTracePath: z.string().min(1).exactOptional(),
  exitAfterProfiling: z.boolean().exactOptional(),
});

/** Nodes named in the notice. */
const named = 5;

export class ProfilerHook implements Hook {
  readonly name = 'ProfilerHook';
  readonly priority = 'VERY_LOW';
  readonly #options: ProfilerHookOptions;
  #profile: () => readonly NodeProfile[] = () => [];
  #before: readonly NodeProfile[] = [];
  #seen = 0;
  readonly #steps: IterationEvent[] = [];

  constructor(options: ProfilerHookOptions = {}) {
    this.#options = options;
  }

  setUp(setup: TrainSetup): void {
    this.#profile = setup.profile();
  }

  async afterTrainIteration(context: TrainingContext): Promise<void> {
    const { wait = 2, steps = 10, exitAfterProfiling = false } = this.#options;
    this.#seen++;
    if (this.#seen === wait) {
      await context.drain();
      this.#steps.length = 0;
      this.#before = this.#profile();
    }
    if (this.#seen !== wait + steps) return;
    await context.drain();
    if (context.isMain) await this.#write(context);
    if (exitAfterProfiling) context.stop('the profile is written');
  }

  async afterTrainOutputs(_: TrainingContext, event: IterationEvent): Promise<void> {
    const { steps = 10 } = this.#options;
    if (this.#steps.length < steps) this.#steps.push(event);
  }

  async #write({ workDir, emit, device }: TrainingContext): Promise<void> {
    const nodes = meanNodes(this.#before, this.#profile());
    const path = this.#options.jsonTracePath ?? join(workDir, 'trace.json');
    await textFile(path, JSON.stringify(chromeTrace(this.#steps, nodes)));
    if (nodes.length === 0) {
      emit({ type: 'notice', message: `${path}: only the steps; device ${device.name} measures no nodes` });
      return;
    }
    const total = nodes.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const slowest = [...nodes].sort((a, b) => b.milliseconds - a.milliseconds).slice(0, named);
    const lines = slowest.map(
      ({ op, scope, milliseconds }) =>
        `${milliseconds.toFixed(2)} ms ${op}${scope === '' ? '' : ` (${scope})`}`,
    );
    emit({
      type: 'notice',
      message: `${path}: a step spends ${total.toFixed(1)} ms in ${nodes.length} nodes; the longest: ${lines.join(', ')}`,
    });
  }
}

/** A node's part of one step. */
export interface MeanNode extends Pick<NodeProfile, 'name' | 'op' | 'scope' | 'bytes' | 'flops'> {
  readonly milliseconds: number;
}

/** What was measured between two looks, a run; nodes that did not run are left out. */
export function meanNodes(before: readonly NodeProfile[], after: readonly NodeProfile[]): MeanNode[] {
  return after.flatMap(({ name, op, scope, bytes, flops, runs, milliseconds }, i) => {
    const past = before[i];
    const own = runs - (past?.runs ?? 0);
    if (own <= 0) return [];
    return [
      { name, op, scope, bytes, flops, milliseconds: (milliseconds - (past?.milliseconds ?? 0)) / own },
    ];
  });
}

/** The trace in Chrome's format: times in microseconds. */
export function chromeTrace(steps: readonly IterationEvent[], nodes: readonly MeanNode[]): object {
  const track = (tid: number, name: string) => ({
    ph: 'M',
    pid: 1,
    tid,
    name: 'thread_name',
    args: { name },
  });
  let at = 0;
  const host = steps.flatMap(({ iteration, seconds, dataSeconds, loss, lr }) => {
    const begin = at;
    at += seconds * 1e6;
    const waiting =
      dataSeconds > 0
        ? [{ ph: 'X', pid: 1, tid: 1, cat: 'data', name: 'wait for data', ts: begin, dur: dataSeconds * 1e6 }]
        : [];
    const step = {
      ph: 'X',
      pid: 1,
      tid: 1,
      cat: 'step',
      name: `step ${iteration}`,
      ts: begin,
      dur: seconds * 1e6,
    };
    return [{ ...step, args: { loss, lr } }, ...waiting];
  });
  let end = 0;
  const device = nodes.map(({ name, op, scope, bytes, flops, milliseconds }) => {
    const ts = end;
    end += milliseconds * 1e3;
    return {
      ph: 'X',
      pid: 1,
      tid: 2,
      cat: op,
      name: scope === '' ? op : `${op} ${scope}`,
      ts,
      dur: milliseconds * 1e3,
      args: { node: name, bytes, flops },
    };
  });
  return {
    displayTimeUnit: 'ms',
    traceEvents: [
      track(1, 'steps, as the host saw them'),
      track(2, 'nodes of a mean step, end to end'),
      ...host,
      ...device,
    ],
  };
}
