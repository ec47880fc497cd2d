/** A work directory has one run at a time, and what a run opens it closes, however it ends. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { BatchLoader, type Config, type Hook, Runner } from '../src/index.ts';
import { type Holder, thisProcess } from '../src/runner/lockHolder.ts';
import { lockName, WorkDirLock } from '../src/runner/workDirLock.ts';
import { tinyConfig } from './support/tiny.ts';
import { temporary, trainTiny } from './support/training.ts';

/** A lock of this process, but for `changes`. */
const holder = async (changes: Partial<Holder>) =>
  `${JSON.stringify({ ...(await thisProcess()), started: null, ...changes })}\n`;

/** Those that a process of another container of this machine has, and one of another machine. */
const container = { namespace: 'pid:[1]' };
const elsewhere = { host: 'elsewhere', boot: 'b', namespace: 'pid:[1]' };

const unshared = ['--pid', '--fork', '--kill-child', '--mount-proc'];
const canUnshare = spawnSync('unshare', [...unshared, 'true']).status === 0;
const lockChild = fileURLToPath(new URL('./support/lockChild.mjs', import.meta.url));

const notToday = () => {
  throw new Error('not today');
};
const sgd = { type: 'SGD', lr: 0.1 } as const;

/** Of a test on a busy machine. */
const patience = { timeout: 30_000 };

const longAgo = async (path: string) => utimes(path, new Date(0), new Date(0));
/** Renewed just now, however slow this machine is. */
const justNow = async (path: string) => utimes(path, new Date('2100-01-01'), new Date('2100-01-01'));

describe('a work directory', () => {
  it('in which a run is going on is refused to another one, which writes nothing there', async () => {
    const workDir = await temporary();
    let second: unknown;
    const hook: Hook = {
      beforeTrain: async () => {
        second = await trainTiny({ workDir }).catch((error: unknown) => error);
      },
    };
    await trainTiny({ workDir }, { hooks: [hook] });
    expect(String(second)).toMatch(
      new RegExp(
        `${workDir}: process ${process.pid} is training in this work directory; wait for it, or choose`,
      ),
    );
    const log = await readFile(join(workDir, 'log.jsonl'), 'utf8');
    expect(log).not.toContain('"failed"');
    expect(await readdir(workDir)).not.toContain(lockName);
  });

  it('is free again when the run in it was killed, and when its number is another process now', async () => {
    const workDir = await temporary();
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    await writeFile(join(workDir, lockName), await holder({ pid: child.pid ?? 0 }));
    const lock = await WorkDirLock.take(workDir);
    await lock.release();
    await writeFile(join(workDir, lockName), await holder({}));
    await (await WorkDirLock.take(workDir)).release();
    await writeFile(join(workDir, lockName), 'nonsense');
    await (await WorkDirLock.take(workDir)).release();
    expect(await readdir(workDir)).toEqual([]);
  });

  it('whose lock is just being written is refused', async () => {
    const workDir = await temporary();
    await writeFile(join(workDir, lockName), '');
    const refused = expect(WorkDirLock.take(workDir)).rejects.toThrow(/is training in this work directory/);
    await writeFile(join(workDir, lockName), await holder({ pid: process.ppid }));
    await refused;
  });

  it.each([
    ['in another container', container, 'in another container'],
    ['on another machine', elsewhere, 'on elsewhere'],
  ])('of a run %s is left alone as long as that renews its lock', async (_, changes, where) => {
    const workDir = await temporary();
    const path = join(workDir, lockName);
    const text = await holder({ pid: 7, ...changes });
    await writeFile(path, text);
    await justNow(path);
    const heard: string[] = [];
    // Renewed when the other one begins to wait, which is therefore never in vain.
    const onWait = (message: string) => {
      heard.push(message);
      void longAgo(path);
    };
    await expect(WorkDirLock.take(workDir, { beat: 10, limit: 60_000, onWait })).rejects.toThrow(
      `${workDir}: process 7 ${where} is training in this work directory; wait for it, or choose another --work-dir`,
    );
    expect(heard).toEqual([
      `waiting up to 60 s to see whether process 7 ${where} still trains in this work directory`,
    ]);
    expect(await readFile(path, 'utf8')).toBe(text);
    await writeFile(path, text);
    await (await WorkDirLock.take(workDir, { evenIfHeld: true })).release();
    expect(await readdir(workDir)).toEqual([]);
  });

  it.each([
    ['in another container', container],
    ['on another machine', elsewhere],
  ])(
    'of a run %s is free when that has not renewed its lock for long, and when it does not',
    async (_, changes) => {
      const workDir = await temporary();
      const path = join(workDir, lockName);
      // A process number that is alive here says nothing of another namespace.
      await writeFile(path, await holder({ pid: process.ppid, ...changes }));
      await longAgo(path);
      const heard: string[] = [];
      const onWait = (message: string) => heard.push(message);
      await (await WorkDirLock.take(workDir, { onWait })).release();
      expect(heard).toEqual([]);
      await writeFile(path, await holder({ pid: process.ppid, ...changes }));
      await justNow(path);
      await (await WorkDirLock.take(workDir, { beat: 10, limit: 100, onWait })).release();
      expect(heard).toHaveLength(1);
    },
  );

  it('has a lock that is renewed, also when somebody deleted it, until the run lets go of it', async () => {
    const workDir = await temporary();
    const path = join(workDir, lockName);
    const lock = await WorkDirLock.take(workDir, { beat: 5 });
    const text = await readFile(path, 'utf8');
    await longAgo(path);
    await vi.waitFor(async () => expect((await stat(path)).mtimeMs).toBeGreaterThan(0), patience);
    await rm(path);
    await vi.waitFor(async () => expect(await readFile(path, 'utf8')).toBe(text), patience);
    await lock.release();
    expect(await readdir(workDir)).toEqual([]);
  });

  it('that another run has taken is no longer written to', async () => {
    const workDir = await temporary();
    const lock = await WorkDirLock.take(workDir, { beat: 5 });
    await lock.hook.afterTrainIteration();
    const other = await holder({ pid: 7, ...elsewhere });
    await writeFile(join(workDir, lockName), other);
    await vi.waitFor(() => expect(lock.lost).toBe(true), patience);
    await expect(lock.hook.beforeSaveCheckpoint()).rejects.toThrow(
      `${workDir}: process 7 on elsewhere has taken this work directory, because this run gave no sign of life`,
    );
    await lock.release();
    expect(await readFile(join(workDir, lockName), 'utf8')).toBe(other);
  });

  it('that another run has taken ends the run, which writes nothing more there', async () => {
    const workDir = await temporary();
    vi.useFakeTimers({ toFake: ['setInterval'] });
    const other = await holder({ pid: 7, ...elsewhere });
    const afterTrainIteration: Hook['afterTrainIteration'] = async ({ progress }) => {
      if (progress.iteration === 1) await writeFile(join(workDir, lockName), other);
      vi.advanceTimersByTime(5000);
      await sleep(1);
    };
    try {
      const trained = trainTiny(
        { workDir, trainConfig: { maxIters: 10_000 } },
        { hooks: [{ afterTrainIteration }] },
      );
      await expect(trained).rejects.toThrow(/process 7 on elsewhere has taken this work directory/);
    } finally {
      vi.useRealTimers();
    }
    expect(await readFile(join(workDir, lockName), 'utf8')).toBe(other);
    expect(await readFile(join(workDir, 'log.jsonl'), 'utf8')).not.toContain('"failed"');
    expect((await readdir(workDir)).filter((name) => name.startsWith('iter_'))).toEqual([]);
  });

  it.skipIf(!canUnshare)(
    'is not taken from a run in another process namespace until that is gone (skipped where none may be made: needs unshare)',
    async () => {
      const workDir = await temporary();
      const child = spawn('unshare', [...unshared, process.execPath, lockChild, workDir, '50'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      // Its number there is that of another process here.
      expect(JSON.parse(await readFile(join(workDir, lockName), 'utf8'))).toMatchObject({ pid: 1 });
      await expect(WorkDirLock.take(workDir, { beat: 50, limit: 60_000 })).rejects.toThrow(
        /process 1 in another container is training in this work directory/,
      );
      child.kill('SIGKILL');
      await once(child, 'close');
      await (await WorkDirLock.take(workDir, { beat: 50 })).release();
    },
  );
});

describe('a run that fails before its first step', () => {
  it.each<[string, Partial<Config>, Hook[], number]>([
    ['in its optimizers', { optimWrapper: { optimizer: sgd, optimizers: { nowhere: sgd } } }, [], 2],
    ['in a hook', {}, [{ setUp: notToday }], 2],
    [
      'in its second data set',
      { valDataloader: { dataset: { type: 'Stripes', length: 0 }, batchSize: 8 } },
      [],
      1,
    ],
  ])('%s closes the data loaders that it opened', async (_, changes, hooks, loaders) => {
    const closed = vi.spyOn(BatchLoader.prototype, 'dispose');
    await expect(trainTiny(changes, { hooks })).rejects.toThrow(/nowhere|not today|no samples/);
    expect(closed).toHaveBeenCalledTimes(loaders);
    closed.mockRestore();
  });

  it('leaves no work directory, and its lock is free', async () => {
    const workDir = join(await temporary(), 'run');
    const beforeRun = async () => {
      throw new Error('not today');
    };
    await expect(trainTiny({ workDir }, { hooks: [{ beforeRun }] })).rejects.toThrow('not today');
    await expect(stat(workDir)).rejects.toThrow(/ENOENT/);
    await mkdir(workDir);
    await expect(trainTiny({ workDir }, { hooks: [{ beforeTrain: beforeRun }] })).rejects.toThrow(
      'not today',
    );
    expect(await readFile(join(workDir, 'log.jsonl'), 'utf8')).toContain('"failed"');
    await trainTiny({ workDir, trainConfig: { maxIters: 1 } });
  });
});

it('a runner says what it is called, where its log is, and which hooks it has', async () => {
  const workDir = join(await temporary(), 'flowers');
  const runner = await Runner.create(tinyConfig(workDir));
  expect([runner.experimentName, runner.logDir]).toEqual(['flowers', workDir]);
  const named = await Runner.create({ ...tinyConfig(workDir), experimentName: 'baseline' });
  expect(named.experimentName).toBe('baseline');
  expect(runner.describeHooks().map(({ name, priority }) => `${priority} ${name}`)).toEqual([
    '50 VisualizationHook',
    '60 LoggerHook',
    '90 CheckpointHook',
  ]);
  expect(runner.describeHooks().at(-1)?.points).toEqual([
    'loadState',
    'beforeTrain',
    'afterTrainIteration',
    'afterVal',
    'afterEpoch',
    'saveState',
    'afterTrain',
    'afterRun',
  ]);
});
