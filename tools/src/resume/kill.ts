/** Starts the child, and kills it at a chosen moment. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { temporarySuffix } from '@omma/storage';

const child = fileURLToPath(new URL('./child.js', import.meta.url));

/** After so many lines that begin with `line`, and so many milliseconds. */
export interface Moment {
  readonly line: 'step' | 'writing';
  readonly count: number;
  readonly milliseconds: number;
}

export interface RunResult {
  readonly finished: boolean;
  /** The last step that was reported; 0 when none was. */
  readonly step: number;
  /** A file was left half-written. */
  readonly tornWrite: boolean;
}

/** Milliseconds by which a write takes longer in a run that is killed while it writes. */
const slowness = 15;

/** Lets the child go on with the run, to its end or to `moment`. */
export async function runOnce(workDir: string, workers: number, moment: Moment | null): Promise<RunResult> {
  const slow = moment?.line === 'writing' ? slowness : 0;
  const running = spawn(process.execPath, [child, workDir, String(workers), String(slow)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(running, 'exit');
  let [step, left, finished] = [0, moment?.count ?? Number.POSITIVE_INFINITY, false];
  for await (const line of createInterface({ input: running.stdout })) {
    if (line.startsWith('step ')) step = Number(line.slice(5));
    finished ||= line === 'done';
    if (moment !== null && line.startsWith(moment.line) && --left === 0)
      setTimeout(() => running.kill('SIGKILL'), moment.milliseconds);
  }
  const [code, signal] = await ended;
  if (code !== 0 && signal !== 'SIGKILL')
    throw new Error(`resume: the run ended with code ${code} by itself`);
  const names = await readdir(workDir);
  return { finished, step, tornWrite: !finished && names.some((name) => name.endsWith(temporarySuffix)) };
}
