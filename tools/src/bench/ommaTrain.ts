/** `omma train` as a program, to its end. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { ommaProgram } from './commands.ts';
import { isRecord } from './record.ts';
import { SessionError } from './session.ts';

/** Runs `omma` with these arguments and returns the accuracy that it prints with --json, in percent. */
export async function ommaTrain(args: readonly string[], threads: number): Promise<number> {
  const child = spawn(process.execPath, [ommaProgram, ...args], {
    env: { ...process.env, OMMA_NUM_THREADS: String(threads) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [printed, complaints] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  const top1 = accuracyIn(printed);
  if (child.exitCode === 0 && top1 !== null) return top1;
  const last = complaints.trimEnd().split('\n').at(-1)?.trim() ?? '';
  throw new SessionError({ kind: 'failed', text: last === '' ? `ended with code ${child.exitCode}` : last });
}

function accuracyIn(printed: string): number | null {
  try {
    const end: unknown = JSON.parse(printed);
    const metrics = isRecord(end) ? end.metrics : null;
    const top1 = isRecord(metrics) ? metrics['accuracy/top1'] : null;
    return typeof top1 === 'number' ? top1 : null;
  } catch {
    return null;
  }
}
