/** Ctrl-C and what a scheduler sends before it ends a job: the first signal asks training to stop after its step, the second one leaves at once. */

/** What a shell expects of a program that was interrupted. */
export const interruptedCode = 130;

const signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

export interface Interrupt {
  readonly signal: AbortSignal;
  /** Leaves the signals to Node again. */
  release(): void;
}

/** Listens from now on; `note` is the line that the first signal gets. */
export function listenForInterrupt(note: string): Interrupt {
  const controller = new AbortController();
  const listener = () => {
    if (controller.signal.aborted) process.exit(interruptedCode);
    controller.abort();
    process.stderr.write(`${process.stderr.isTTY ? '\n' : ''}${note}\n`);
  };
  for (const name of signals) process.on(name, listener);
  return {
    signal: controller.signal,
    release() {
      for (const name of signals) process.off(name, listener);
    },
  };
}
