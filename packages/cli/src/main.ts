/**
 * The `omma` program: reads the command line, hands over to one command, and turns what went wrong into a line and an exit code.
 *
 * bin/omma.js imports this file from dist, so importing it is running it. Exit codes: 0 done, 1 an error of the input or the machine,
 * 2 wrong usage, 130 interrupted. Whatever is not an OmmaError is a defect and keeps its trace.
 */

import { CommanderError } from 'commander';
import { buildProgram } from './program.ts';

// A reader that closed the pipe (`omma ... | head`) has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  fail(`error: cannot write the output (${error.code ?? error.message})`, 1);
  process.exit();
});
// What cannot be told need not end the work.
process.stderr.on('error', () => {});
// After a defect nobody knows what state the program is in: it ends.
const endWithDefect = (reason: unknown) => {
  reportDefect(reason);
  process.exit();
};
process.on('unhandledRejection', endWithDefect);
process.on('uncaughtException', endWithDefect);

try {
  await buildProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (isUserError(error)) fail(`error: ${error.message}`, 1);
  else reportDefect(error);
}

/** By name, so that telling errors apart does not load core before a command needs it. */
function isUserError(error: unknown): error is Error {
  return (
    error instanceof Error && ['OmmaError', 'StoreError', 'ShapeError', 'DeviceError'].includes(error.name)
  );
}

function reportDefect(error: unknown): void {
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  fail(`${trace}\nThis is a defect of Omma. Please report it with the lines above.`, 1);
}

/** Names out of a stranger's file may hold what a terminal obeys: escape sequences are shown, not sent. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** Takes away a bar that the error came in the middle of, which has hidden the cursor too. */
const clearLine = '\r\x1b[K\x1b[?25h';

function fail(message: string, code: number): void {
  if (process.stderr.isTTY) process.stderr.write(clearLine);
  process.stderr.write(`${printable(message)}\n`);
  process.exitCode = code;
}
