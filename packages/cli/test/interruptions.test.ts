/** A training run as a process, from outside: signals, and a disk that is really full. */

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawPictures, program, tinyDataset, tinyModel } from './support/tinyProject.ts';

const folder = mkdtempSync(join(tmpdir(), 'omma-interruptions-'));
const env = { ...process.env, NO_COLOR: '1' };

beforeAll(async () => {
  await drawPictures(join(folder, 'data'), { a: ['#f00'], b: ['#00f'] }, { width: 8, height: 8 });
  const dataset = tinyDataset(join(folder, 'data'), 'train');
  const config = {
    model: tinyModel,
    trainDataloader: { dataset, batchSize: 4 },
    optimWrapper: { optimizer: { type: 'SGD', lr: 0.01, momentum: 0.9 } },
    trainConfig: { maxEpochs: 100_000 },
    device: 'reference',
  };
  writeFileSync(join(folder, 'tiny.json'), JSON.stringify(config));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const checkpoints = (work: string) =>
  readdirSync(join(folder, work)).filter((name) => name.endsWith('.safetensors'));
const unfinished = (work: string) =>
  readdirSync(join(folder, work)).filter((name) => name.endsWith('.partial'));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Trains until the third epoch has been told, then sends `signals` one after the other. */
function interrupted(work: string, signals: readonly NodeJS.Signals[]): Promise<Ended> {
  const args = [
    program,
    'train',
    'tiny.json',
    '--work-dir',
    work,
    '--set',
    'defaultHooks.checkpoint.interval=100000',
  ];
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  let sent = false;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    if (sent || !/epoch +3\//.test(out)) return;
    sent = true;
    for (const signal of signals) child.kill(signal);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

describe('a signal', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s ends training after the step, with a checkpoint, one line, and the code 130; --resume goes on',
    async (signal) => {
      const { code, out, err } = await interrupted(signal, [signal]);
      expect(code).toBe(130);
      expect(err).toMatch(/^interrupted: saving a checkpoint \(.*\)\n$/);
      expect(out).toMatch(/interrupted after .*\ncheckpoint .*\.safetensors\n$/);
      expect([checkpoints(signal).length, unfinished(signal)]).toEqual([1, []]);
      const epochs = Number(/epoch +(\d+)\/\d+ .*\n[^\n]*interrupted/.exec(out)?.[1]);
      const args = [
        'train',
        'tiny.json',
        '--work-dir',
        signal,
        '--resume',
        '--set',
        `trainConfig.maxEpochs=${epochs + 2}`,
      ];
      const resumed = spawnSync(process.execPath, [program, ...args], { cwd: folder, env, encoding: 'utf8' });
      expect([resumed.status, resumed.stderr]).toEqual([0, '']);
      expect(resumed.stdout).toMatch(/resumed from/);
    },
  );

  it('and another one leave at once', async () => {
    const { code, out } = await interrupted('twice', ['SIGTERM', 'SIGINT']);
    expect(code).toBe(130);
    expect(out).not.toContain('interrupted after');
  });
});

/** Runs a shell command with a file system of `kilobytes` at `place`, which nobody else sees; needs no rights but those of a container. */
function withSmallDisk(place: string, kilobytes: number, command: string): Ended | null {
  const script = `mount -t tmpfs -o size=${kilobytes}k tmpfs "${place}" || exit 77; ${command}`;
  const own = process.getuid?.() === 0 ? ['-m'] : ['-Urm'];
  const run = spawnSync('unshare', [...own, 'sh', '-c', script], { cwd: folder, env, encoding: 'utf8' });
  if (run.error !== undefined || run.status === 77 || /unshare/.test(run.stderr)) return null;
  return { code: run.status, out: run.stdout, err: run.stderr };
}

mkdirSync(join(folder, 'full'));
const mountable = withSmallDisk(join(folder, 'full'), 64, 'true') !== null;

describe.skipIf(!mountable)(
  'a full disk (skipped where no file system may be mounted: needs unshare and tmpfs)',
  () => {
    const place = join(folder, 'full');
    const train = `"${process.execPath}" "${program}" train tiny.json --set trainConfig.maxEpochs=2 --work-dir "${place}"`;

    it('ends the run at the checkpoint that does not fit, tells what it needs, and leaves nothing half-written', () => {
      const ended = withSmallDisk(place, 16, `${train}/run; code=$?; ls -A "${place}/run"; exit $code`);
      expect(ended?.code).toBe(1);
      expect(ended?.err).toMatch(
        /^error: .*(iter_\d+\.safetensors|last_checkpoint): needs \d+ kB but \d+ kB are free; free some space.*--resume\)\n$/,
      );
      expect(ended?.out).not.toContain('.partial');
    });

    it('ends the run at the log that cannot be written', () => {
      const fill = `dd if=/dev/zero of="${place}/filler" bs=1k count=64 2>/dev/null`;
      const ended = withSmallDisk(place, 64, `mkdir "${place}/run"; ${fill}; ${train}/run`);
      expect(ended?.code).toBe(1);
      expect(ended?.err).toMatch(
        /^error: .*cannot (write the log|write|create).*ENOSPC|^error: .*needs .* are free/,
      );
      expect(ended?.err.trim().split('\n')).toHaveLength(1);
    });

    it('keeps the old checkpoint when the new one does not fit', () => {
      const fill = `dd if=/dev/zero of="${place}/filler" bs=1k count=4096 2>/dev/null`;
      const more = train.replace('maxEpochs=2', 'maxEpochs=4');
      const script = `${train}/run && { ${fill}; ${more}/run --resume; code=$?; ls -A "${place}/run"; exit $code; }`;
      const ended = withSmallDisk(place, 512, script);
      expect(ended?.code).toBe(1);
      expect(ended?.out).toMatch(/iter_0000000002\.safetensors/);
      expect(ended?.out).not.toContain('.partial');
    });

    it('is told when it is the output that cannot be written', () => {
      const run = spawnSync('sh', ['-c', `"${process.execPath}" "${program}" devices > /dev/full`], {
        env,
        encoding: 'utf8',
      });
      expect([run.status, run.stderr]).toEqual([1, 'error: cannot write the output (ENOSPC)\n']);
    });
  },
);
