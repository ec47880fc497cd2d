/** A whole training run, from the start of the process to the final validation, against the same run in each PyTorch. */

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Benchmark } from './benchmark.ts';
import { repository, torchRecipeCommand } from './commands.ts';
import { ommaTrain } from './ommaTrain.ts';
import { type Recipe, recipeOf, trainArguments } from './recipe.ts';
import type { Reason, Row } from './row.ts';
import { Session, SessionError } from './session.ts';
import { ratioOf } from './statistics.ts';

export interface RunPlan {
  readonly title: string;
  readonly recipe: Recipe['name'];
  /** The config, in the repository. */
  readonly config: string;
  /** The data set's folder below --data. */
  readonly folder: string;
}

export function recipeBenchmark({ title, recipe: name, config, folder }: RunPlan): Benchmark {
  return {
    name: title,
    long: true,
    run: async ({ data, threads, device, torch, progress }) => {
      const place = join(data, folder);
      if (!existsSync(place)) {
        const text = `${place} does not exist; name its parent with --data`;
        const nobody: Run = { ms: null, top1: null, reason: { kind: 'missing', text } };
        return [runRow(title, nobody, null, { ms: null, top1: null })];
      }
      const file = join(repository, config);
      const recipe = await recipeOf(name, file, place, threads);
      progress(title);
      const ours = await timed(() => ourRun(file, recipe, device));
      const rows: Row[] = [];
      for (const { python, eager } of torch) {
        progress(`${title}: ${eager.label}`);
        rows.push(runRow(title, ours, eager.label, await timed(() => theirRun(python, recipe))));
      }
      return rows;
    },
  };
}

interface Run {
  readonly ms: number | null;
  readonly top1: number | null;
  readonly reason?: Reason;
}

/** Runs to the end. A run that fails has its reason. */
async function timed(run: () => Promise<number>): Promise<Run> {
  const begin = performance.now();
  try {
    const top1 = await run();
    return { ms: performance.now() - begin, top1 };
  } catch (error) {
    if (error instanceof SessionError) return { ms: null, top1: null, reason: error.reason };
    throw error;
  }
}

async function ourRun(file: string, recipe: Recipe, device: string): Promise<number> {
  const workDir = await mkdtemp(join(tmpdir(), 'omma-bench-'));
  try {
    return await ommaTrain(trainArguments(file, recipe, device, workDir), recipe.threads);
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

async function theirRun(python: string | null, recipe: Recipe): Promise<number> {
  if (python === null) {
    throw new SessionError({ kind: 'missing', text: 'name a Python that has it with --python PATH' });
  }
  const session = await Session.start(torchRecipeCommand(python, recipe));
  try {
    return (await session.expect('finished')).top1;
  } finally {
    await session.stop();
  }
}

function runRow(name: string, ours: Run, peer: string | null, theirs: Run): Row {
  return {
    name,
    ours_ms: ours.ms,
    peer,
    peer_ms: theirs.ms,
    ratio: ratioOf(ours.ms, theirs.ms),
    ours_top1: ours.top1,
    peer_top1: theirs.top1,
    ...(ours.reason === undefined ? {} : { ours_reason: ours.reason }),
    ...(theirs.reason === undefined ? {} : { peer_reason: theirs.reason }),
  };
}
