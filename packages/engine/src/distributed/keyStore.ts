/** What the members of a process group leave for each other under a key, and who waits for it. Part of the hub. */

/** Most bytes of all values: addresses and root infos take kilobytes; what grows with the steps of a run belongs into collectives. */
const mostBytes = 64 * 2 ** 20;

export interface Asking {
  /** Gives the value. */
  answer(value: Uint8Array): void;
  /** Nobody has set it in time. */
  late(): void;
}

interface Waiter {
  readonly key: string;
  readonly asking: Asking;
  readonly timer: NodeJS.Timeout;
}

export class KeyStore {
  readonly #timeout: number;
  readonly #values = new Map<string, Uint8Array>();
  #bytes = 0;
  #waiters: Waiter[] = [];

  /** `timeout`: how long a value is waited for, in milliseconds. */
  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  /** Keeps the value and gives it to those that wait; null, or in a line why it is not kept. */
  set(key: string, value: Uint8Array): string | null {
    const bytes = this.#bytes - (this.#values.get(key)?.length ?? 0) + value.length;
    if (bytes > mostBytes) {
      return `${key} of ${value.length} bytes is too much: a group keeps ${mostBytes} bytes under all keys; large things go by collectives`;
    }
    this.#bytes = bytes;
    this.#values.set(key, value);
    const ready = this.#waiters.filter((waiter) => waiter.key === key);
    this.#waiters = this.#waiters.filter((waiter) => waiter.key !== key);
    for (const { timer, asking } of ready) {
      clearTimeout(timer);
      asking.answer(value);
    }
    return null;
  }

  get(key: string, asking: Asking): void {
    const value = this.#values.get(key);
    if (value !== undefined) {
      asking.answer(value);
      return;
    }
    const timer = setTimeout(() => {
      this.#waiters = this.#waiters.filter((waiter) => waiter.timer !== timer);
      asking.late();
    }, this.#timeout);
    this.#waiters.push({ key, asking, timer });
  }

  /** Forgets everything; those that wait hear no more. */
  clear(): void {
    for (const { timer } of this.#waiters) clearTimeout(timer);
    this.#waiters = [];
    this.#values.clear();
    this.#bytes = 0;
  }
}
