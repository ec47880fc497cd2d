/**
 * One setup at a time: two terminals that both type `npm test` in a fresh clone must not install over each other.
 *
 * The lock is a file that holds the owner's process id. It appears complete or not at all (a link to a finished
 * file), so an owner that has died is always recognised. Removing such a leftover is itself guarded by a directory,
 * otherwise two waiting processes could each remove the other's fresh lock.
 */
import { linkSync, mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { notes } from './paths.mjs';
import { SetupError } from './step.mjs';

const lock = join(notes, 'setup.lock');
const breaker = join(notes, 'setup.lock.breaking');
const GIVE_UP_MS = 20 * 60_000;
const BREAKER_STALE_MS = 30_000;

export async function withLock(work) {
  mkdirSync(notes, { recursive: true });
  await acquire();
  const release = () => rmSync(lock, { force: true });
  const interrupted = (signal) => {
    release();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    return await work();
  } finally {
    release();
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  }
}

async function acquire() {
  const start = Date.now();
  let told = false;
  while (!take()) {
    const owner = ownerOf();
    if (owner === undefined) continue;
    if (!isAlive(owner)) {
      removeLeftover();
    } else if (!told) {
      told = true;
      process.stderr.write(`setup: waiting for the setup of process ${owner} ...\n`);
    } else if (Date.now() - start > GIVE_UP_MS) {
      throw new SetupError(
        `expected the setup of process ${owner} to end within ${GIVE_UP_MS / 60_000} minutes, it has not: end it, or delete ${lock} if it is no setup`,
      );
    }
    await sleep(200);
  }
}

function take() {
  const mine = `${lock}.${process.pid}`;
  writeFileSync(mine, `${process.pid}\n`);
  try {
    linkSync(mine, lock);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(mine, { force: true });
  }
}

function ownerOf() {
  try {
    return Number(readFileSync(lock, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid) {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function removeLeftover() {
  try {
    mkdirSync(breaker);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (ageOf(breaker) > BREAKER_STALE_MS) rmSync(breaker, { recursive: true, force: true });
    return;
  }
  const owner = ownerOf();
  if (owner !== undefined && !isAlive(owner)) rmSync(lock, { force: true });
  rmdirSync(breaker);
}

function ageOf(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? 0 : Date.now() - found.mtimeMs;
}
