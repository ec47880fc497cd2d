/** The worker's end of the protocol: says `ready` and answers requests until told to quit. For our side and for ONNX Runtime. */

import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { type Message, parseRequest } from './protocol.ts';
import { SessionError } from './session.ts';

/** A job that is set up. */
export interface Prepared {
  readonly label: string;
  readonly detail: string;
  readonly prepareMs: number | null;
  readonly parts?: Readonly<Record<string, number>>;
  /** One step. */
  step(): Promise<unknown>;
  /** Milliseconds since some moment; of the wall clock unless given. */
  clock?(): number;
}

const warmUpSteps = 2;

/** Prepares, warms up, and serves standard input. What goes wrong on the way is said, not thrown. */
export async function serve(prepare: () => Promise<Prepared>): Promise<void> {
  try {
    const { step, clock = () => performance.now(), parts = {}, ...about } = await prepare();
    await timed(step, clock, warmUpSteps);
    say({ event: 'ready', parts, ...about });
    for await (const line of createInterface({ input: process.stdin })) {
      const request = parseRequest(line);
      if (request?.do === 'go') say({ event: 'round', ms: await timed(step, clock, request.steps) });
      else if (request?.do === 'memory') say({ event: 'memory', mib: await peakMib() });
      else if (request?.do === 'quit') break;
    }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    say({ event: 'failed', reason: error instanceof SessionError ? error.reason : { kind: 'failed', text } });
  }
  process.exit();
}

function say(message: Message): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function timed(step: () => Promise<unknown>, clock: () => number, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const begin = clock();
    await step();
    times.push(clock() - begin);
  }
  return times;
}

/** The most resident memory this process ever had (VmHWM); null where the system does not tell. */
async function peakMib(): Promise<number | null> {
  const status = await readFile('/proc/self/status', 'ascii').catch(() => '');
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return kib === undefined ? null : Number(kib) / 1024;
}
