/** One case: made, run, judged. */

import { getHeapStatistics } from 'node:v8';
import { Dice } from './dice.ts';
import type { Target } from './target.ts';

/** A case in which the reader did what it must not. */
export interface Finding {
  readonly target: string;
  readonly seed: number;
  readonly case: number;
  readonly kind: 'exception' | 'memory' | 'message' | 'hang' | 'crash';
  readonly text: string;
}

export type Outcome = 'read' | 'refused';

export interface Judged {
  readonly outcome: Outcome;
  readonly finding: Finding | null;
}

/** What a reader may take for a file of `bytes`: a fixed sum, and a multiple. Pickles of shared numbers are allowed 256 MiB. */
function allowedMemory(bytes: number): number {
  return 400 * 2 ** 20 + 64 * bytes;
}

/** An error's message is for people: a config with a hundred mistakes needs this much, nothing more. */
const longestMessage = 100_000;

/** The bytes of a case. */
export async function caseBytes(target: Target, seed: number, number: number): Promise<Uint8Array> {
  const seeds = await target.seeds();
  const dice = new Dice(seed, number);
  return target.damage(dice.pick(seeds), dice, dice.pick(seeds));
}

export async function runCase(target: Target, seed: number, number: number): Promise<Judged> {
  const bytes = await caseBytes(target, seed, number);
  const found = (kind: Finding['kind'], text: string): Finding => ({
    target: target.name,
    seed,
    case: number,
    kind,
    text,
  });
  const before = memoryInUse();
  let outcome: Outcome = 'read';
  let finding: Finding | null = null;
  try {
    await target.run(bytes);
  } catch (error) {
    outcome = 'refused';
    if (!isRefusal(error)) {
      finding = found('exception', error instanceof Error ? (error.stack ?? error.message) : String(error));
    } else if (error.message.length > longestMessage) {
      finding = found('message', `${error.message.length} characters: ${error.message.slice(0, 400)}`);
    }
  }
  const grown = memoryInUse() - before;
  if (grown > allowedMemory(bytes.length))
    finding = found('memory', `${grown} bytes for a file of ${bytes.length}`);
  return { outcome, finding };
}

function isRefusal(error: unknown): error is Error {
  return (
    error instanceof Error && ['OmmaError', 'StoreError', 'ShapeError', 'DeviceError'].includes(error.name)
  );
}

/** Array buffers count: they are where numbers go. */
function memoryInUse(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}
