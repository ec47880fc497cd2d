/**
 * A session: one child process that does one job, ours or a peer's, and answers requests line by line.
 *
 * Every job gets a fresh process, so that memory, caches and thread pools of one row cannot reach another.
 */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { formatRequest, type Message, parseMessage, type Request } from './protocol.ts';
import type { Reason } from './row.ts';

/** A program with its arguments. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly threads: number;
  /** Beside the environment of the benchmark itself. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The other side cannot do the job; `reason` goes into the row. */
export class SessionError extends Error {
  readonly reason: Reason;

  constructor(reason: Reason) {
    super(reason.text);
    this.reason = reason;
  }
}

/** Nothing that is benchmarked is silent for longer; compilers of peers need minutes. */
const answerLimitMs = 30 * 60_000;

export class Session {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #messages: AsyncIterator<Message>;
  #lastWords = '';

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#messages = messagesOf(child);
    child.stderr.on('data', (chunk: Buffer) => {
      this.#lastWords = `${this.#lastWords}${chunk.toString()}`.slice(-4000);
    });
    child.stdin.on('error', () => undefined); // a child that died is reported by `next`
  }

  /** Starts a program. Its first message says what became of it. */
  static async start(command: Command): Promise<Session> {
    const threads = String(command.threads);
    const child = spawn(command.program, command.args, {
      env: {
        ...process.env,
        OMMA_NUM_THREADS: threads,
        OMP_NUM_THREADS: threads,
        MKL_NUM_THREADS: threads,
        PYTHONDONTWRITEBYTECODE: '1',
        ...command.env,
      },
    });
    try {
      await once(child, 'spawn');
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new SessionError({ kind: 'missing', text: `${command.program} cannot be started: ${text}` });
    }
    return new Session(child);
  }

  /** The next message of this kind. Throws SessionError when the child says that it failed, or ends, or keeps silent. */
  async expect<E extends Message['event']>(event: E): Promise<Extract<Message, { event: E }>> {
    const message = await this.#next();
    if (message.event === 'failed') throw new SessionError(message.reason);
    if (isEvent(message, event)) return message;
    throw new Error(`bench: expected ${event} but got ${message.event}`);
  }

  /** Milliseconds of each of `steps` steps. */
  async go(steps: number): Promise<readonly number[]> {
    this.#send({ do: 'go', steps });
    return (await this.expect('round')).ms;
  }

  /** Peak resident memory in MiB. */
  async memory(): Promise<number | null> {
    this.#send({ do: 'memory' });
    return (await this.expect('memory')).mib;
  }

  /** Ends the process, by force when it does not listen. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'close');
    this.#send({ do: 'quit' });
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    await gone;
    clearTimeout(force);
  }

  #send(request: Request): void {
    this.#child.stdin.write(`${formatRequest(request)}\n`);
  }

  async #next(): Promise<Message> {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      const reason = { kind: 'failed', text: `no answer for ${answerLimitMs / 60_000} minutes` } as const;
      timer = setTimeout(() => reject(new SessionError(reason)), answerLimitMs);
    });
    try {
      const { value, done } = await Promise.race([this.#messages.next(), silence]);
      if (done !== true) return value;
      throw new SessionError({ kind: 'failed', text: this.#epitaph() });
    } finally {
      clearTimeout(timer);
    }
  }

  /** How the process ended and the last line that it printed. */
  #epitaph(): string {
    const { exitCode, signalCode } = this.#child;
    const last = this.#lastWords.trimEnd().split('\n').at(-1)?.trim() ?? '';
    return `ended with ${signalCode ?? `code ${exitCode ?? '?'}`}${last === '' ? '' : `: ${last}`}`;
  }
}

function isEvent<E extends Message['event']>(
  message: Message,
  event: E,
): message is Extract<Message, { event: E }> {
  return message.event === event;
}

async function* messagesOf(child: ChildProcessWithoutNullStreams): AsyncGenerator<Message, void> {
  const closed = once(child, 'close');
  for await (const line of createInterface({ input: child.stdout })) {
    const message = parseMessage(line);
    if (message !== null) yield message;
  }
  await closed;
}
