/**
 * A step on the simulated Ascend chip: what `atc` and loading take, what a step takes, and how many bytes it moves between host and device.
 *
 * The times are the simulator's and say nothing of a chip's. The bytes are what would travel with a chip too: a batch there, a loss back. They are counted by
 * the simulator, in two processes that do different numbers of steps, so that what is moved once (weights) drops out of the difference.
 */

import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Benchmark, Setting } from './benchmark.ts';
import { simulatedChip, simulatedCommand, simulatorHome } from './commands.ts';
import { type Job, titleOf } from './job.ts';
import { isRecord } from './record.ts';
import { type Reason, type Row, type Side, timeRow } from './row.ts';
import { Session, SessionError } from './session.ts';
import type { JobPlan } from './stepBenchmark.ts';

/** Steps of the two processes, beside those of their warm-up. */
const fewSteps = 2;
const moreSteps = 8;

export function simulatorBenchmark(plan: JobPlan): Benchmark {
  const name = `${titleOf({ ...plan, threads: 1, device: 'ascend' })}, on a simulated ${simulatedChip}`;
  return {
    name,
    long: false,
    run: async (setting) => {
      setting.progress(name);
      const measured = await measure({ ...plan, threads: setting.threads, device: 'ascend' }, setting);
      const row = (what: string, side: Side) => timeRow(`${name}: ${what}`, side, { peer: null, side: null });
      if ('kind' in measured) return [row('step', { reason: measured })];
      const { first, second } = measured;
      const once = (part: string, of: Run) => ({ rounds: [[of.parts[part] ?? Number.NaN]] });
      return [
        row('atc', once('atc', first)),
        row('load', once('load', second)),
        row('step', { rounds: [first.ms, second.ms] }),
        bytesRow(`${name}: to the device, a step`, 'hostToDeviceBytes', measured),
        bytesRow(`${name}: to the host, a step`, 'deviceToHostBytes', measured),
      ];
    },
  };
}

interface Run {
  readonly parts: Readonly<Record<string, number>>;
  readonly ms: readonly number[];
  readonly counters: Readonly<Record<string, unknown>>;
}

interface Measured {
  /** Compiled its model; the second process found it in the cache. */
  readonly first: Run;
  readonly second: Run;
}

async function measure(job: Job, { progress }: Setting): Promise<Measured | Reason> {
  if (!existsSync(join(simulatorHome, 'lib64/libascendcl.so')))
    return { kind: 'missing', text: 'the simulator is not built: node scripts/setup.mjs builds it' };
  const folder = await mkdtemp(join(tmpdir(), 'omma-bench-'));
  try {
    const first = await simulated(job, folder, fewSteps);
    progress('compiled; the same again from the cache');
    return { first, second: await simulated(job, folder, moreSteps) };
  } catch (error) {
    if (error instanceof SessionError) return error.reason;
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function simulated(job: Job, folder: string, steps: number): Promise<Run> {
  const stats = join(folder, `${steps}.json`);
  const session = await Session.start(simulatedCommand(job, join(folder, 'cache'), stats));
  try {
    const { parts } = await session.expect('ready');
    const ms = await session.go(steps);
    await session.stop();
    const counted: unknown = JSON.parse(await readFile(stats, 'utf8'));
    if (!isRecord(counted) || !isRecord(counted.counters))
      throw new SessionError({ kind: 'failed', text: 'the simulator left no counters' });
    return { parts, ms, counters: counted.counters };
  } finally {
    await session.stop();
  }
}

function bytesRow(name: string, counter: string, { first, second }: Measured): Row {
  const difference = Number(second.counters[counter]) - Number(first.counters[counter]);
  const bytes = difference / (moreSteps - fewSteps);
  const once = Number(first.counters[counter]) - bytes * (Number(first.counters.executions) || 0);
  return {
    name,
    ours_ms: null,
    peer: null,
    peer_ms: null,
    ratio: null,
    ours_bytes: bytes,
    detail: `${(once / 2 ** 20).toFixed(1)} MiB once`,
  };
}
