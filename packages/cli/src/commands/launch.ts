/**
 * `omma launch -n 2 train CONFIG`: several processes that train together, one a device, told who they are by torchrun's environment variables.
 *
 * Rank 0 has the terminal to itself; what the others say gets their rank in front. When one process is killed the others go on where they can. When one
 * ends with an error they are given a little time to say what they noticed, and are stopped then.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { OmmaError } from '@omma/core';
import { freePort } from '@omma/engine';

export interface LaunchOptions {
  /** Processes on this machine. */
  readonly processes: number;
  readonly nodes: number;
  readonly nodeRank: number;
  readonly masterAddr: string;
  readonly masterPort?: number;
}

const commands = ['train', 'test'];
/** Milliseconds that the others have to end by themselves when one process has failed, and after they were asked to. */
const grace = 10_000;
const lastGrace = 5000;

/** Starts the processes and waits for all of them; sets the exit code to that of the first one that failed. */
export async function launch(command: readonly string[], options: LaunchOptions): Promise<void> {
  const [name = ''] = command;
  if (!commands.includes(name)) {
    throw new OmmaError(`launch: ${commands.join(' and ')} run in several processes, ${name} does not`);
  }
  if (options.nodeRank >= options.nodes) {
    throw new OmmaError(
      `launch: --node-rank must be below --nodes, which is ${options.nodes}, but is ${options.nodeRank}`,
    );
  }
  if (options.nodes > 1 && options.masterPort === undefined) {
    throw new OmmaError('launch: several machines need --master-addr and --master-port, the same on each');
  }
  const port = options.masterPort ?? (await freePort());
  const children = Array.from({ length: options.processes }, (_, localRank) =>
    start(command, environmentOf(localRank, port, options)),
  );
  const forward = (signal: NodeJS.Signals) => {
    for (const { child } of children) child.kill(signal);
  };
  const signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  try {
    process.exitCode = await outcome(children);
  } finally {
    for (const signal of signals) process.off(signal, forward);
  }
}

interface Child {
  readonly rank: number;
  readonly child: ChildProcess;
  /** Its exit code, or the signal that ended it. */
  readonly end: Promise<number | NodeJS.Signals>;
}

function environmentOf(
  localRank: number,
  port: number,
  { processes, nodes, nodeRank, masterAddr }: LaunchOptions,
): NodeJS.ProcessEnv {
  const threads = Math.max(1, Math.floor(availableParallelism() / processes));
  return {
    OMMA_NUM_THREADS: String(threads),
    ...process.env,
    RANK: String(nodeRank * processes + localRank),
    LOCAL_RANK: String(localRank),
    WORLD_SIZE: String(nodes * processes),
    MASTER_ADDR: masterAddr,
    MASTER_PORT: String(port),
  };
}

function start(command: readonly string[], env: NodeJS.ProcessEnv): Child {
  const rank = Number(env.RANK);
  const [, program = ''] = process.argv;
  // A process group of its own, so that Ctrl-C reaches each process once: through the launcher.
  const child = spawn(process.execPath, [...process.execArgv, program, ...command], {
    env,
    detached: true,
    stdio: rank === 0 ? 'inherit' : ['ignore', 'pipe', 'pipe'],
  });
  if (child.stdout !== null) prefixed(child.stdout, process.stdout, rank);
  if (child.stderr !== null) prefixed(child.stderr, process.stderr, rank);
  const end = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', (error) =>
      reject(new OmmaError(`launch: rank ${rank} cannot be started (${error.message})`)),
    );
    child.once('close', (code, signal) => resolve(code ?? signal ?? 1));
  });
  return { rank, child, end };
}

/** Passes the lines of a stream on, with the rank in front. */
function prefixed(from: Readable, to: NodeJS.WriteStream, rank: number): void {
  createInterface({ input: from, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => {
    to.write(`[rank ${rank}] ${line}\n`);
  });
}

/**
 * Waits for all processes; stops the others when one has ended with an error. The exit code of the first one that did; else 0 when at least one has come
 * to its end, whatever killed the others.
 */
async function outcome(children: readonly Child[]): Promise<number> {
  const running = new Set(children);
  let code = 0;
  let finished = false;
  const timers: NodeJS.Timeout[] = [];
  const stop = (signal: NodeJS.Signals) => {
    for (const { child } of running) child.kill(signal);
  };
  await Promise.all(
    children.map(async (one) => {
      const end = await one.end;
      running.delete(one);
      finished ||= end === 0;
      if (typeof end === 'string') process.stderr.write(`launch: rank ${one.rank} was ended by ${end}\n`);
      if (end === 0 || code !== 0 || typeof end === 'string') return;
      code = end;
      timers.push(
        setTimeout(() => stop('SIGTERM'), grace),
        setTimeout(() => stop('SIGKILL'), grace + lastGrace),
      );
    }),
  );
  for (const timer of timers) clearTimeout(timer);
  return code === 0 && !finished ? 1 : code;
}
