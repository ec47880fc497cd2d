/** Training runs of real processes (`rank.mjs`), for tests. */

import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { freePort } from './ports.ts';

export const rankProgram = fileURLToPath(new URL('./rank.mjs', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly err: string;
  readonly losses: readonly number[];
  readonly metrics: Readonly<Record<string, number>>;
  /** The communicator's at the end; null for a run of one process. */
  readonly name: string | null;
  /** What was reported beside numbers. */
  readonly messages: readonly string[];
}

export interface Settings {
  readonly device?: string;
  readonly amp?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Put in front of the command of a rank: another network namespace. */
  readonly prefix?: (rank: number) => readonly string[];
  readonly masterAddr?: string;
  /** Called with the processes once they are started. */
  readonly watch?: (children: readonly ChildProcess[]) => void;
}

/** Trains in `size` processes with `batchSize` samples each. */
export async function trainProcesses(
  workDir: string,
  size: number,
  batchSize: number,
  {
    device = 'cpu',
    amp = 'off',
    env = {},
    prefix = () => [],
    masterAddr = '127.0.0.1',
    watch = () => undefined,
  }: Settings = {},
): Promise<Ended[]> {
  const port = await freePort();
  const children = Array.from({ length: size }, (_, rank) => {
    const command = [...prefix(rank), process.execPath, rankProgram, workDir, device, String(batchSize), amp];
    const [file = '', ...args] = command;
    return spawn(file, args, {
      env: {
        ...process.env,
        OMMA_NUM_THREADS: '1',
        ...(size === 1 ? {} : ranked(rank, size, masterAddr, port)),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  });
  watch(children);
  return Promise.all(children.map(ended));
}

function ranked(rank: number, size: number, masterAddr: string, port: number): NodeJS.ProcessEnv {
  return {
    RANK: String(rank),
    LOCAL_RANK: String(rank),
    WORLD_SIZE: String(size),
    MASTER_ADDR: masterAddr,
    MASTER_PORT: String(port),
  };
}

/** What a process of `rank.mjs` has said by its end. */
export function ended(child: ChildProcess): Promise<Ended> {
  let [out, err] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  return new Promise((resolve) => {
    child.once('close', (code, signal) => {
      const result = out === '' ? { losses: [], metrics: {}, name: null, messages: [] } : JSON.parse(out);
      resolve({ code, signal, err, ...result });
    });
  });
}

/** The largest relative difference. */
export function distance(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length || a.length === 0) return Number.POSITIVE_INFINITY;
  return Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? Number.NaN)) / Math.abs(value)));
}

/** Expects ranks that talk by `name` to have one loss curve, that of `whole` to `noise`, and its metrics. */
export function expectOneCurve(
  ranks: readonly Ended[],
  whole: Ended | undefined,
  name: string,
  noise: number,
): void {
  for (const rank of ranks) {
    expect(rank).toMatchObject({
      code: 0,
      name,
      losses: ranks[0]?.losses,
      metrics: whole?.metrics,
    });
    expect(distance(rank.losses, whole?.losses ?? [])).toBeLessThan(noise);
  }
}
