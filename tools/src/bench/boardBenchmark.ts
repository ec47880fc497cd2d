/**
 * A million logged iterations of eight numbers each: how long `omma board` takes from the command until it answers, and until all curves are on the screen
 * of a browser; once with a log that it has never read, and once with its index. TensorBoard is asked for the same curves from event files.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import type { Benchmark, Setting } from './benchmark.ts';
import { blankPage, openBrowser, panning, untilDrawn } from './boardPage.ts';
import { BoardServer, ommaHasAll, tensorboardHasAll } from './boardServers.ts';
import { writeLongLog } from './longLog.ts';
import { processorTime } from './processorTime.ts';
import { type PeerSide, type Row, type Side, timeRow } from './row.ts';
import { SessionError } from './session.ts';
import { median } from './statistics.ts';

const steps = 1_000_000;
const title = 'omma board: a million iterations';

/** What was measured in one round. */
interface Round {
  readonly ms: number;
  readonly board: number | null;
  readonly browser?: number | null;
  readonly note?: string;
}

export const boardBenchmark: Benchmark = {
  name: title,
  long: false,
  run: async (setting) => {
    const root = await mkdtemp(join(tmpdir(), 'omma-bench-board-'));
    try {
      return await measured(root, setting);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  },
};

async function measured(root: string, setting: Setting): Promise<Row[]> {
  const { pythons } = setting;
  const rounds = setting.quick ? 1 : 5;
  setting.progress(`${title}: writing the log`);
  await writeLongLog(
    root,
    steps,
    pythons.length === 0 ? ['LocalVisBackend'] : ['LocalVisBackend', 'TensorboardVisBackend'],
  );
  const forget = () => rm(join(root, '.omma'), { recursive: true, force: true });

  setting.progress(`${title}: first read`);
  const answered = await repeat(rounds, async () => {
    await forget();
    return answers(root);
  });
  const rows = (await peers(pythons, root, rounds)).map((peer) =>
    timeRow(`${title}, first read, from the command to the answers`, sideOf(answered), {
      ...peer,
      detail: noteOf(answered),
    }),
  );
  const drawn = async (kind: string, prepare: () => Promise<void>): Promise<Row> => {
    setting.progress(`${title}: ${kind}, in a browser`);
    const each = await inBrowser(rounds, root, prepare);
    return timeRow(`${title}, ${kind}, from the command to the curves on the screen`, sideOf(each), {
      peer: null,
      side: null,
      detail: noteOf(each),
    });
  };
  return [...rows, await drawn('first read', forget), await drawn('indexed', async () => undefined)];
}

/** From the start of the process until all points of all curves are answered. */
async function answers(root: string): Promise<Round> {
  const server = await BoardServer.omma(root);
  try {
    const ms = await server.until((url) => ommaHasAll(url, steps));
    return { ms, board: server.processorTime };
  } finally {
    await server.stop();
  }
}

async function inBrowser(
  rounds: number,
  root: string,
  prepare: () => Promise<void>,
): Promise<readonly Round[] | SessionError> {
  let browser: Browser | null = null;
  try {
    const opened = await openBrowser();
    browser = opened;
    return await repeat(rounds, async () => {
      await prepare();
      return draws(root, opened);
    });
  } catch (error) {
    if (error instanceof SessionError) return error;
    throw error;
  } finally {
    await browser?.close();
  }
}

async function draws(root: string, browser: Browser): Promise<Round> {
  const page = await blankPage(browser);
  const before = processorTime(process.pid);
  const own = process.cpuUsage();
  const server = await BoardServer.omma(root);
  try {
    const asked = performance.now();
    await untilDrawn(page, server.url, steps);
    const now = performance.now();
    const board = server.processorTime;
    const { user, system } = process.cpuUsage(own);
    const all = processorTime(process.pid);
    const browserTime =
      all === null || before === null ? null : all - before - (board ?? 0) - (user + system) / 1000;
    const frames = await panning(page);
    return {
      ms: now - server.begun,
      board,
      browser: browserTime,
      note: `${Math.round(now - asked)} ms after the page was asked for, frames while panning ${frames.median.toFixed(1)} ms, 95 of 100 below ${frames.slow.toFixed(1)} ms`,
    };
  } finally {
    await page.close();
    await server.stop();
  }
}

/** TensorBoard of each Python that has it. */
async function peers(pythons: readonly string[], root: string, rounds: number): Promise<PeerSide[]> {
  const label = 'TensorBoard';
  if (pythons.length === 0) {
    const reason = { kind: 'missing', text: 'name a Python that has it with --python PATH' } as const;
    return [{ peer: label, side: { reason } }];
  }
  const sides: PeerSide[] = [];
  for (const python of pythons) {
    const each = await repeat(rounds, async () => {
      const server = await BoardServer.tensorboard(python, root);
      try {
        const ms = await server.until((url) => tensorboardHasAll(url, steps));
        return { ms, board: server.processorTime };
      } finally {
        await server.stop();
      }
    });
    sides.push({ peer: label, side: sideOf(each) });
  }
  return sides;
}

async function repeat(
  times: number,
  measure: () => Promise<Round>,
): Promise<readonly Round[] | SessionError> {
  const rounds: Round[] = [];
  try {
    for (let i = 0; i < times; i++) rounds.push(await measure());
    return rounds;
  } catch (error) {
    if (error instanceof SessionError) return error;
    throw error;
  }
}

function sideOf(rounds: readonly Round[] | SessionError): Side {
  return rounds instanceof SessionError
    ? { reason: rounds.reason }
    : { rounds: rounds.map(({ ms }) => [ms]) };
}

/** Processor times beside the times by the clock, and what else the last round has to say. */
function noteOf(rounds: readonly Round[] | SessionError): string {
  if (rounds instanceof SessionError) return '';
  const middle = (of: (round: Round) => number | null | undefined): string => {
    const known = rounds.flatMap((round) => of(round) ?? []);
    return `${Math.round(median(known) ?? Number.NaN)} ms`;
  };
  const browser = rounds.some((round) => typeof round.browser === 'number');
  return [
    `processor time of the board ${middle(({ board }) => board)}${browser ? `, of the browser ${middle((round) => round.browser)}` : ''}`,
    rounds.at(-1)?.note ?? '',
  ]
    .filter((part) => part !== '')
    .join('; ');
}
