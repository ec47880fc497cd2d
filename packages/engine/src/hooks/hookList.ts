/** The hooks of a run in the order in which they are called, and their saved state by name. */

import { OmmaError } from '@omma/core';
import { type Hook, type HookPoint, hookPoints } from './hook.ts';
import { type Priority, priorityNumber } from './priority.ts';

interface Entry {
  readonly hook: Hook;
  readonly priority: number;
}

export interface HookInfo {
  readonly name: string;
  readonly priority: number;
  /** The points of a run at which it does something, in their order. */
  readonly points: readonly HookPoint[];
}

export class HookList {
  #entries: Entry[] = [];

  /** Adds a hook; `priority` wins over the hook's own. OmmaError when its saved state could not be told from another's. */
  add(hook: Hook, priority?: Priority): void {
    const { name, saveState } = hook;
    const known = this.hooks.some((other) => other.saveState !== undefined && other.name === name);
    if (saveState !== undefined && (name === undefined || known)) {
      throw new OmmaError(
        `hooks: a hook with saveState needs a name of its own, but ${name === undefined ? 'one has none' : `two are called ${name}`}`,
      );
    }
    const entry = { hook, priority: priorityNumber(priority ?? hook.priority) };
    this.#entries = [...this.#entries, entry].sort((a, b) => a.priority - b.priority);
  }

  /** The same hooks in a list of its own: for a run that adds some. */
  copy(): HookList {
    const list = new HookList();
    list.#entries = this.#entries;
    return list;
  }

  /** Runs `call` on every hook, one after the other. */
  async each(call: (hook: Hook) => Promise<void> | undefined): Promise<void> {
    for (const { hook } of this.#entries) {
      const done = call(hook);
      if (done !== undefined) await done;
    }
  }

  /** Names, priorities and points, in the order in which hooks are called. */
  get info(): readonly HookInfo[] {
    return this.#entries.map(({ hook, priority }) => ({
      name: nameOf(hook),
      priority,
      points: hookPoints.filter((point) => hook[point] !== undefined),
    }));
  }

  get hooks(): readonly Hook[] {
    return this.#entries.map(({ hook }) => hook);
  }

  /** What the hooks want kept in the checkpoint `path`, by name. */
  saveState(path: string): Record<string, unknown> {
    return Object.fromEntries(
      this.hooks.flatMap((hook) =>
        hook.name === undefined || hook.saveState === undefined ? [] : [[hook.name, hook.saveState(path)]],
      ),
    );
  }

  /** Hands each hook its part. What no hook asks for is left aside: a run may be resumed with fewer hooks. */
  loadState(states: Readonly<Record<string, unknown>>, path: string): void {
    for (const hook of this.hooks) {
      if (hook.name !== undefined && hook.name in states) hook.loadState?.(states[hook.name], path);
    }
  }
}

function nameOf(hook: Hook): string {
  return hook.name ?? (hook.constructor === Object ? 'hook' : hook.constructor.name);
}
