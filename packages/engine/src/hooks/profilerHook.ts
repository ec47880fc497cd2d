/**
 * ProfilerHook: where the time of a few steps goes. Writes a trace for chrome://tracing or Perfetto, and the most expensive nodes as a notice.
 *
 * A device measures every node over many runs and keeps the sums. So the trace shows two things: on the first line the steps as the host saw them,
 * and below one mean step, its nodes laid end to end in the order of execution.
 */

import { extname, join } from 'node:path';
import { formatShape, type NodeProfile, type NodeShapes, type Shape } from '@omma/core';
import { textFile } from '@omma/storage';
import { z } from 'zod';
import type { TrainingContext } from '../runner/context.ts';
import type { IterationEvent } from '../runner/events.ts';
import type { TrainSetup } from '../runner/setup.ts';
import type { Hook } from './hook.ts';

/** Which steps are measured, in PyTorch's words: after the first `skipFirst`, of every `wait + warmup + active` the last `active`. */
export interface ProfilerSchedule {
  /** 0 unless given. */
  readonly skipFirst?: number;
  /** 2 unless given: caches fill and threads start. */
  readonly wait?: number;
  /** As `wait`, because a device measures all the time; 0 unless given. */
  readonly warmup?: number;
  /** 10 unless given. */
  readonly active?: number;
  /** How often; 1 unless given, 0 is until the end of the run. */
  readonly repeat?: number;
}

export interface ProfilerHookOptions {
  readonly schedule?: ProfilerSchedule;
  /** File of the trace; trace.json in the work directory unless given. Where there are several, they are numbered: trace_1.json. */
  readonly jsonTracePath?: string;
  /** Ends training when the last trace is written. */
  readonly exitAfterProfiling?: boolean;
}

const count = z.int().min(0);

export const profilerHookSchema = z.strictObject({
  schedule: z
    .strictObject({
      skipFirst: count.exactOptional(),
      wait: count.exactOptional(),
      warmup: count.exactOptional(),
      active: z.int().positive().exactOptional(),
      repeat: count.exactOptional(),
    })
    .exactOptional(),
  jsonTracePath: z.string().min(1).exactOptional(),
  exitAfterProfiling: z.boolean().exactOptional(),
});

/** Nodes named in the notice. */
const named = 5;

export class ProfilerHook implements Hook {
  readonly name = 'ProfilerHook';
  readonly priority = 'VERY_LOW';
  readonly #options: ProfilerHookOptions;
  readonly #schedule: Required<ProfilerSchedule>;
  #profile: () => readonly NodeProfile[] = () => [];
  #before: readonly NodeProfile[] = [];
  #seen = 0;
  #written = 0;
  readonly #steps: IterationEvent[] = [];

  constructor(options: ProfilerHookOptions = {}) {
    this.#options = options;
    this.#schedule = { skipFirst: 0, wait: 2, warmup: 0, active: 10, repeat: 1, ...options.schedule };
  }

  setUp(setup: TrainSetup): void {
    this.#profile = setup.profile();
  }

  async afterTrainIteration(context: TrainingContext): Promise<void> {
    const { skipFirst, wait, warmup, active, repeat } = this.#schedule;
    if (repeat > 0 && this.#written === repeat) return;
    const at = ++this.#seen - skipFirst;
    const length = wait + warmup + active;
    if (at < 0) return;
    if (at > 0 && at % length === 0) await this.#end(context);
    if (at % length === wait + warmup) await this.#begin(context);
  }

  async afterTrainOutputs(_: TrainingContext, event: IterationEvent): Promise<void> {
    if (this.#steps.length < this.#schedule.active) this.#steps.push(event);
  }

  /** From the next step on. */
  async #begin(context: TrainingContext): Promise<void> {
    await context.drain();
    this.#steps.length = 0;
    this.#before = this.#profile();
  }

  async #end(context: TrainingContext): Promise<void> {
    await context.drain();
    this.#written++;
    if (context.isMain) await this.#write(context);
    const { exitAfterProfiling = false } = this.#options;
    if (exitAfterProfiling && this.#written === this.#schedule.repeat) context.stop('the profile is written');
  }

  #pathIn(workDir: string): string {
    const { jsonTracePath: path = join(workDir, 'trace.json') } = this.#options;
    if (this.#schedule.repeat === 1) return path;
    const extension = extname(path);
    return `${path.slice(0, path.length - extension.length)}_${this.#written}${extension}`;
  }

  async #write({ workDir, emit, device }: TrainingContext): Promise<void> {
    const nodes = meanNodes(this.#before, this.#profile());
    const path = this.#pathIn(workDir);
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
export interface MeanNode extends Pick<NodeProfile, 'name' | 'op' | 'scope' | 'bytes' | 'flops' | 'shapes'> {
  readonly milliseconds: number;
}

/** What was measured between two looks, a run; nodes that did not run are left out. */
export function meanNodes(before: readonly NodeProfile[], after: readonly NodeProfile[]): MeanNode[] {
  return after.flatMap(({ runs, milliseconds, ...node }, i) => {
    const past = before[i];
    const own = runs - (past?.runs ?? 0);
    if (own <= 0) return [];
    return [{ ...node, milliseconds: (milliseconds - (past?.milliseconds ?? 0)) / own }];
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
  const device = nodes.map(({ name, op, scope, bytes, flops, milliseconds, shapes }) => {
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
      args: { node: name, bytes, flops, ...(shapes === undefined ? {} : shapesText(shapes)) },
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

/** As PyTorch's profiler has them: `[[8, 3, 32, 32], [16, 3, 3, 3]]`. */
function shapesText({ inputs, outputs }: NodeShapes): Record<string, string> {
  const text = (shapes: readonly Shape[]) => `[${shapes.map(formatShape).join(', ')}]`;
  return { 'Input Dims': text(inputs), 'Output Dims': text(outputs) };
}
