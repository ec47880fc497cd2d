/** Keeps the pages that are open up to date: looks for news every second while somebody listens, and pushes them as server-sent events. */

import type { ServerResponse } from 'node:http';
import type { BoardEvent } from '../api.ts';
import type { RunSet } from '../runs/runSet.ts';
import { summaryOf } from '../runs/summary.ts';
import { SystemMonitor } from './system.ts';

const every = 1000;
/** Further pages are turned away. */
const mostListeners = 64;

export class Feed {
  readonly #runs: RunSet;
  readonly #system: SystemMonitor;
  readonly #listeners = new Set<ServerResponse>();
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | null = null;
  #known = new Map<string, string>();

  constructor(runs: RunSet, onError: (error: unknown) => void) {
    this.#runs = runs;
    this.#system = new SystemMonitor(runs.root);
    this.#onError = onError;
  }

  /** Sends news to `response` until it is closed; false when there are too many listeners. */
  add(response: ServerResponse): boolean {
    if (this.#listeners.size >= mostListeners) return false;
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      connection: 'keep-alive',
    });
    response.write('retry: 1000\n\n');
    this.#listeners.add(response);
    response.on('close', () => this.#listeners.delete(response));
    this.#send([response], { type: 'runs', runs: this.#runs.runs.map(summaryOf), removed: [] });
    this.#timer ??= setTimeout(() => void this.#look(), 0);
    return true;
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const listener of this.#listeners) listener.end();
  }

  async #look(): Promise<void> {
    try {
      await Promise.race([this.#runs.refresh(), new Promise((done) => setTimeout(done, every / 2))]);
      this.#tell();
      this.#send([...this.#listeners], { type: 'system', load: await this.#system.sample() });
    } catch (error) {
      this.#onError(error);
    }
    this.#timer = this.#listeners.size === 0 ? null : setTimeout(() => void this.#look(), every);
  }

  /** Tells of the runs whose summaries have changed. */
  #tell(): void {
    const summaries = this.#runs.runs.map(summaryOf);
    const now = new Map(summaries.map((summary) => [summary.name, JSON.stringify(summary)]));
    const runs = summaries.filter(({ name }) => now.get(name) !== this.#known.get(name));
    const removed = [...this.#known.keys()].filter((name) => !now.has(name));
    this.#known = now;
    if (runs.length > 0 || removed.length > 0)
      this.#send([...this.#listeners], { type: 'runs', runs, removed });
  }

  #send(listeners: readonly ServerResponse[], event: BoardEvent): void {
    const text = `data: ${JSON.stringify(event)}\n\n`;
    for (const listener of listeners) listener.write(text);
  }
}
