/**
 * The one way core says something that is not an error. Every JavaScript environment has `console.warn`, but core compiles without
 * the types of any of them, so the member that it needs is declared here.
 */

declare const console: { warn(message: string): void };

let handler = (message: string): void => console.warn(message);

/** Sends warnings to `next` instead of the console: a program with its own log, or a test. Returns the previous handler. */
export function onWarning(next: (message: string) => void): (message: string) => void {
  const previous = handler;
  handler = next;
  return previous;
}

export function warn(message: string): void {
  handler(message);
}
