/** The servers that show a log: `omma board` and TensorBoard, each a process of its own, asked as their pages ask them. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ommaProgram } from './commands.ts';
import { curveNames } from './longLog.ts';
import { processorTime } from './processorTime.ts';
import { SessionError } from './session.ts';

/** Nothing that is measured here takes longer. */
const limitMs = 10 * 60_000;

export class BoardServer {
  readonly #child: ChildProcess;
  /** When its process was started. */
  readonly begun: number;
  readonly url: string;

  private constructor(child: ChildProcess, begun: number, url: string) {
    this.#child = child;
    this.begun = begun;
    this.url = url;
  }

  /** `omma board`, when it has said where it listens. */
  static async omma(root: string): Promise<BoardServer> {
    const begun = performance.now();
    const child = spawn(process.execPath, [ommaProgram, 'board', root, '--port', '0'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, NO_COLOR: '1' },
    });
    let said = '';
    for await (const chunk of child.stdout) {
      said += String(chunk);
      const url = /http:\S+/.exec(said)?.[0];
      if (url !== undefined) return new BoardServer(child, begun, url);
    }
    throw new SessionError({ kind: 'failed', text: `omma board said nothing of where it listens: ${said}` });
  }

  /** TensorBoard of this Python. */
  static async tensorboard(python: string, root: string): Promise<BoardServer> {
    const [code] = await once(
      spawn(python, ['-c', 'import tensorboard'], { stdio: 'ignore' }),
      'close',
    ).catch(() => [null]);
    if (code !== 0) throw new SessionError({ kind: 'missing', text: `${python} has no tensorboard` });
    const port = await freePort();
    const begun = performance.now();
    const options = ['--logdir', root, '--port', String(port), '--host', '127.0.0.1'];
    const child = spawn(python, ['-m', 'tensorboard.main', ...options], { stdio: 'ignore' });
    await once(child, 'spawn');
    return new BoardServer(child, begun, `http://127.0.0.1:${port}`);
  }

  /** Milliseconds of processor time so far, of its helpers too. */
  get processorTime(): number | null {
    return processorTime(this.#child.pid ?? -1);
  }

  /** Milliseconds from the start of the process until `ask` has got what it wants; it is asked again and again. */
  async until(ask: (url: string) => Promise<boolean>): Promise<number> {
    while (performance.now() - this.begun < limitMs) {
      if (this.#child.exitCode !== null)
        throw new SessionError({ kind: 'failed', text: `ended with code ${this.#child.exitCode}` });
      if (await ask(this.url).catch(() => false)) return performance.now() - this.begun;
      await sleep(20);
    }
    throw new SessionError({
      kind: 'failed',
      text: `had not read the log after ${limitMs / 60_000} minutes`,
    });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'close');
    this.#child.kill('SIGTERM');
    await gone;
  }
}

const ommaCurves = z.array(z.object({ points: z.number() }));

/** Whether the board has all points of all curves. */
export async function ommaHasAll(url: string, steps: number): Promise<boolean> {
  await (await fetch(`${url}/api/runs`)).arrayBuffer();
  for (const curve of curveNames) {
    const query = new URLSearchParams({ run: 'long', curve, smoothing: '0.6', pixels: '444' });
    const [found] = ommaCurves.parse(await (await fetch(`${url}/api/curve?${query}`)).json());
    if (found?.points !== steps) return false;
  }
  return true;
}

const tensorboardCurve = z.array(z.tuple([z.number(), z.number(), z.number()]));

/** Whether TensorBoard has come to the last point of all curves. It keeps a thousand of each. */
export async function tensorboardHasAll(url: string, steps: number): Promise<boolean> {
  for (const tag of curveNames) {
    const query = new URLSearchParams({ run: 'long/vis_data', tag });
    const points = tensorboardCurve.parse(
      await (await fetch(`${url}/data/plugin/scalars/scalars?${query}`)).json(),
    );
    if (points.at(-1)?.[1] !== steps) return false;
  }
  return true;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
