/** A work directory has one run at a time, and what a run opens it closes, however it ends. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Hook, Runner } from '../src/index.ts';
import { lockName, WorkDirLock } from '../src/runner/workDirLock.ts';
import { tinyConfig } from './support/tiny.ts';
import { temporary, trainTiny } from './support/training.ts';

const holder = (changes: object) =>
  `${JSON.stringify({ pid: process.pid, host: hostname(), started: null, id: 'other', ...changes })}\n`;

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
        `${workDir}: process ${process.pid} is training in this work directory; wait for it, choose`,
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
    await writeFile(join(workDir, lockName), holder({ pid: child.pid }));
    const lock = await WorkDirLock.take(workDir);
    await lock.release();
    await writeFile(join(workDir, lockName), holder({}));
    await (await WorkDirLock.take(workDir)).release();
    await writeFile(join(workDir, lockName), 'nonsense');
    await (await WorkDirLock.take(workDir)).release();
    expect(await readdir(workDir)).toEqual([]);
  });

  it('whose lock is just being written is refused', async () => {
    const workDir = await temporary();
    await writeFile(join(workDir, lockName), '');
    const refused = expect(WorkDirLock.take(workDir)).rejects.toThrow(/is training in this work directory/);
    await writeFile(join(workDir, lockName), holder({ pid: process.ppid }));
    await refused;
  });

  it('of a run on another machine is left alone, with what to do when that is gone', async () => {
    const workDir = await temporary();
    await writeFile(join(workDir, lockName), holder({ host: 'elsewhere' }));
    await expect(WorkDirLock.take(workDir)).rejects.toThrow(
      /on elsewhere is training .* or delete .*run\.lock if that run is gone/,
    );
    await (await WorkDirLock.take(workDir, true)).release();
  });
});

describe('a run that fails before its first step', () => {
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
    'afterTrainIteration',
    'afterVal',
    'afterEpoch',
    'saveState',
    'afterTrain',
    'afterRun',
  ]);
});
