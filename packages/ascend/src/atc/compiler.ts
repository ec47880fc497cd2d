/**
 * Runs `atc`: an ONNX model becomes an offline model for one chip.
 *
 * In a scratch folder, because it writes by-products where it runs; for a bounded time, because it can hang; and what it says becomes an error that
 * names our operator. Success is an exit status of zero, its closing line and the file: releases differ in which of these they get right.
 */

import { spawn } from 'node:child_process';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeviceError } from '@omma/core';
import type { Origin } from '@omma/onnx';
import type { Toolkit } from '../acl/toolkit.ts';
import { CompileCache, cacheKey, cacheSettings } from './cache.ts';
import { type AtcOutput, explainAtc, parseAtcOutput } from './output.ts';

/** The chip and how to compile for it. */
export interface AtcOptions {
  /** `--soc_version`: what `aclrtGetSocName` says. */
  readonly soc: string;
  /** `--precision_mode_v2` */
  readonly precision: string;
  /** `--input_format`: ND for graphs with inputs of any rank, NCHW where inputs are pictures. */
  readonly inputFormat: 'ND' | 'NCHW';
  /** Further flags, for example `--dynamic_batch_size=1,4`. */
  readonly flags: readonly string[];
  /** Files that flags refer to by their name alone, such as an AIPP configuration. */
  readonly files: Readonly<Record<string, string>>;
}

/** What is told while the compiler runs. */
export type AtcProgress = (event: {
  readonly seconds: number;
  readonly done: boolean;
  readonly cached: boolean;
}) => void;

export interface AtcRequest {
  /** In messages: the device, or the command. */
  readonly name: string;
  readonly model: Uint8Array;
  readonly origins: ReadonlyMap<string, Origin>;
  readonly options: AtcOptions;
  readonly progress?: AtcProgress;
}

/** Large models take many minutes; nothing takes a day. `OMMA_ASCEND_ATC_TIMEOUT` (seconds) says otherwise. */
const defaultTimeoutSeconds = 3600;
const progressMilliseconds = 1000;
/** Output beyond this is not kept: logs at level debug are gigabytes. */
const outputLimit = 4 * 2 ** 20;

/**
 * The offline model, from the cache where it has been compiled before. Returns the path of a `.om` file that stays there.
 * Throws DeviceError with what atc says.
 */
export async function compileOffline(
  toolkit: Pick<Toolkit, 'atc' | 'version'>,
  request: AtcRequest,
): Promise<string> {
  const { options, model, name } = request;
  const cache = new CompileCache(cacheSettings());
  const key = cacheKey([
    model,
    options.soc,
    await toolkitIdentity(toolkit),
    ...flagsOf(options),
    ...Object.entries(options.files).flat(),
  ]);
  const found = await cache.find(key);
  if (found !== null) {
    request.progress?.({ seconds: 0, done: true, cached: true });
    return found;
  }
  const { atc } = toolkit;
  if (atc === null) {
    throw new DeviceError(
      `${name}: this model must be compiled, but there is no atc in the toolkit, in PATH or in ATC; install the CANN toolkit, or compile elsewhere and copy ${cache.folder}`,
    );
  }
  return cache.exclusive(key, async () => {
    // Somebody else may have compiled it while this process waited.
    const made = await cache.find(key);
    if (made !== null) return made;
    const scratch = await cache.scratch();
    try {
      return await cache.add(key, await compileIn(scratch, atc, request));
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
}

/** The release, and the file itself: a compiler that was replaced compiles anew. */
async function toolkitIdentity({ atc, version }: Pick<Toolkit, 'atc' | 'version'>): Promise<string> {
  const facts = atc === null ? null : await stat(atc).catch(() => null);
  return `${version ?? 'unknown'} ${facts?.size ?? 0} ${facts?.mtimeMs ?? 0}`;
}

function flagsOf({ precision, inputFormat, flags }: AtcOptions): string[] {
  return [
    '--framework=5',
    `--input_format=${inputFormat}`,
    `--precision_mode_v2=${precision}`,
    '--deterministic=1',
    '--log=error',
    ...flags,
  ];
}

async function compileIn(scratch: string, atc: string, request: AtcRequest): Promise<string> {
  const { name, options, origins } = request;
  await writeFile(join(scratch, 'model.onnx'), request.model);
  for (const [file, text] of Object.entries(options.files)) await writeFile(join(scratch, file), text);
  const flags = ['--model=model.onnx', '--output=model', `--soc_version=${options.soc}`, ...flagsOf(options)];
  const { status, text, timedOut } = await runAtc(scratch, atc, flags, request.progress);
  if (timedOut !== null) {
    throw new DeviceError(
      `${name}: atc did not end within ${timedOut} s and was stopped; ${lastWords(text)}set OMMA_ASCEND_ATC_TIMEOUT (seconds) for longer`,
    );
  }
  const output: AtcOutput = parseAtcOutput(text);
  const files = (await readdir(scratch)).filter((file) => file.startsWith('model') && file.endsWith('.om'));
  const [file] = files;
  if (status === 0 && output.succeeded && file !== undefined) return join(scratch, file);
  if (output.errors.length > 0)
    throw new DeviceError(`${name}: atc (${options.soc}): ${explainAtc(output, origins)}`);
  throw new DeviceError(
    `${name}: atc (${options.soc}) ended with ${typeof status === 'number' ? `status ${status}` : status} and ${file === undefined ? 'no model' : 'a model that it does not call good'}; ${lastWords(text)}${explainAtc(output, origins)}`,
  );
}

function lastWords(text: string): string {
  const line = text.trim().split('\n').at(-1)?.trim() ?? '';
  return line === '' ? 'it printed nothing; ' : `its last line was: ${line}; `;
}

interface AtcRun {
  /** Exit status, or the signal that ended it. */
  readonly status: number | string;
  readonly text: string;
  /** Seconds that it was allowed, when it took longer. */
  readonly timedOut: number | null;
}

function runAtc(
  cwd: string,
  atc: string,
  flags: readonly string[],
  progress: AtcProgress | undefined,
): Promise<AtcRun> {
  const limit = timeoutSeconds();
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  return new Promise((resolve, reject) => {
    // Its own process group: atc is a script that starts others, and all of them must end with it.
    const child = spawn(atc, flags, { cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let text = '';
    let timedOut: number | null = null;
    const keep = (chunk: Buffer) => {
      if (text.length < outputLimit) text += chunk.toString('utf8');
    };
    const kill = () => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // The group has ended already.
      }
    };
    const timer = setTimeout(() => {
      timedOut = limit;
      kill();
    }, limit * 1000);
    const ticks = setInterval(
      () => progress?.({ seconds: seconds(), done: false, cached: false }),
      progressMilliseconds,
    );
    process.once('exit', kill);
    const end = () => {
      clearTimeout(timer);
      clearInterval(ticks);
      process.off('exit', kill);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => {
      end();
      reject(new DeviceError(`atc cannot be started (${error.message}); check ${atc}`));
    });
    child.on('close', (code, signal) => {
      end();
      progress?.({ seconds: seconds(), done: true, cached: false });
      resolve({ status: code ?? signal ?? 'no status', text, timedOut });
    });
  });
}

function timeoutSeconds(): number {
  const text = process.env.OMMA_ASCEND_ATC_TIMEOUT;
  if (text === undefined || text === '') return defaultTimeoutSeconds;
  const seconds = Number(text);
  if (seconds > 0 && seconds <= 2_000_000) return seconds;
  throw new DeviceError(
    `OMMA_ASCEND_ATC_TIMEOUT should be a number of seconds but is ${text}; remove it for ${defaultTimeoutSeconds}`,
  );
}
