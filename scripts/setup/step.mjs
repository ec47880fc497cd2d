/**
 * One step of setup: runs programs, says one line when it has worked, shows that it is running when it takes long.
 *
 * Everything goes to stderr: stdout belongs to the program that comes after setup (`npm run golden -- FILE > out`).
 */
import { spawn } from 'node:child_process';
import { root } from './paths.mjs';

const SHOW_AFTER_MS = 2000;
const LINES_ON_FAILURE = 40;

/** What setup tells its user in one line and then stops. Any other error is a defect of setup. */
export class SetupError extends Error {}

/** Runs `work` under `title`: "setup: <title>: done in 12 s" at the end, and a sign of life on the way. */
export async function step(title, work) {
  const start = Date.now();
  const seconds = () => Math.round((Date.now() - start) / 1000);
  const terminal = process.stderr.isTTY === true;
  const show = terminal
    ? () => process.stderr.write(`\r\x1b[2Ksetup: ${title} ... ${seconds()} s`)
    : () => process.stderr.write(`setup: ${title} ...\n`);
  let repeat;
  const first = setTimeout(() => {
    show();
    if (terminal) repeat = setInterval(show, 1000);
  }, SHOW_AFTER_MS);
  try {
    const result = await work();
    process.stderr.write(`${terminal ? '\r\x1b[2K' : ''}setup: ${title}: done in ${seconds()} s\n`);
    return result;
  } catch (error) {
    if (terminal && repeat !== undefined) process.stderr.write('\n');
    throw error;
  } finally {
    clearTimeout(first);
    clearInterval(repeat);
  }
}

/**
 * Runs a program in the repository and resolves to what it printed. When it fails, its last lines are shown and the
 * error names the command: whoever reads it can type it.
 */
export async function run(command, args, { env = {}, advice = 'see the lines above' } = {}) {
  const { code, output } = await capture(command, args, env);
  if (code === 0) return output;
  const tail = output.trimEnd().split('\n').slice(-LINES_ON_FAILURE).join('\n');
  process.stderr.write(`\n${tail}\n`);
  throw new SetupError(`"${[command, ...args].join(' ')}" ended with ${code} in ${root}: ${advice}`);
}

/** Whether a program can be started at all: `has('cmake')`. */
export async function has(command) {
  return (await capture(command, ['--version'], {})).code === 0;
}

/** Exit code and printed text of a program; a program that does not exist counts as 127, as in a shell. */
export function capture(command, args, env) {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    const collect = (chunk) => {
      output += chunk;
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => resolve({ code: 127, output: `${output}${error.message}\n` }));
    child.on('close', (code, signal) => resolve({ code: code ?? signal, output }));
  });
}
