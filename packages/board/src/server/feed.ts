/** Keeps the pages that are open up to date: looks for news every second while somebody listens, and pushes them as server-sent events. */

import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BoardEvent } from '../api.ts';
import type { RunSet } from '../runs/runSet.ts';
import { summaryOf } from '../runs/summary.ts';
import { SystemMonitor } from './system.ts';

const every = 1000;
/** While long logs are read, what is read of them shows as often as that. */
const everyWhileReading = 500;
/** Further pages are turned away. */
const mostListeners = 64;

export class Feed {
  readonly #runs: RunSet;
  readonly #system: SystemMonitor;
  readonly #listeners = new Set<ServerResponse>();
  /** Listeners that were too slow for some news: when they have read what was sent, they get everything anew. */
  readonly #behind = new Set<ServerResponse>();
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | null = null;
  #known = new Map<string, string>();
  #closed = false;

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
    response.on('close', () => {
      this.#listeners.delete(response);
      this.#behind.delete(response);
    });
    response.on('drain', () => {
      if (this.#behind.delete(response)) this.#send([response], this.#everything());
    });
    this.#send([response], this.#everything());
    this.#timer ??= setTimeout(() => void this.#look(), 0);
    return true;
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const listener of this.#listeners) listener.end();
  }

  async #look(): Promise<void> {
    try {
      const reading = this.#runs.refresh().then(() => true);
      for (let done = false; !done; this.#tell())
        done = await Promise.race([reading, sleep(everyWhileReading, false)]);
      this.#send([...this.#listeners], { type: 'system', load: await this.#system.sample() });
    } catch (error) {
      this.#onError(error);
    }
    this.#timer =
      this.#closed || this.#listeners.size === 0 ? null : setTimeout(() => void this.#look(), every);
  }

  /** Tells of the runs whose summaries have changed. */
  #tell(): void {
    const summaries = this.#runs.runs.map(summaryOf);
    const now = new Map(summaries.map((summary) => [summary.name, JSON.stringify(summary)]));
    const runs = summaries.filter(({ name }) => now.get(name) !== this.#known.get(name));
    const removed = [...this.#known.keys()].filter((name) => !now.has(name));
    this.#known = now;
    if (runs.length > 0 || removed.length > 0)
      this.#send([...this.#listeners], { type: 'runs', anew: false, runs, removed });
  }

  #everything(): BoardEvent {
    return { type: 'runs', anew: true, runs: this.#runs.runs.map(summaryOf), removed: [] };
  }

  /** What a listener has not read yet is kept for it in memory, so nothing is added to that. */
  #send(listeners: readonly ServerResponse[], event: BoardEvent): void {
    const text = `data: ${JSON.stringify(event)}\n\n`;
    for (const listener of listeners) {
      if (!listener.writableNeedDrain) listener.write(text);
      else if (event.type === 'runs') this.#behind.add(listener);
    }
  }
}
