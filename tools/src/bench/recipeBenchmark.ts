/** A whole training run, from the start of the process to the final validation, against the same run in each PyTorch. */

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Benchmark } from './benchmark.ts';
import { recipeCommand, torchRecipeCommand } from './commands.ts';
import { type Recipe, type RecipeName, recipeFor } from './recipe.ts';
import type { Reason, Row } from './row.ts';
import { type Command, Session, SessionError } from './session.ts';
import { ratioOf } from './statistics.ts';

/** `folder`: the data set's folder below --data. */
export function recipeBenchmark(recipe: RecipeName, name: string, folder: string): Benchmark {
  return {
    name,
    long: true,
    run: async (setting) => {
      const data = join(setting.data, folder);
      if (!existsSync(data))
        return [
          emptyRow(name, { kind: 'missing', text: `${data} does not exist; name its parent with --data` }),
        ];
      const workDir = await mkdtemp(join(tmpdir(), 'omma-bench-'));
      try {
        const told = recipeFor(recipe, { data, threads: setting.threads, device: setting.device, workDir });
        setting.progress(name);
        const ours = await finish(recipeCommand(told));
        const rows: Row[] = [];
        for (const { python, eager } of setting.torch) {
          setting.progress(`${name}: ${eager.label}`);
          rows.push(runRow(name, ours, eager.label, await theirRun(python, told)));
        }
        return rows;
      } finally {
        await rm(workDir, { recursive: true, force: true });
      }
    },
  };
}

interface Run {
  readonly ms: number | null;
  readonly top1: number | null;
  readonly reason?: Reason;
}

function theirRun(python: string | null, recipe: Recipe): Promise<Run> {
  const absent: Reason = { kind: 'missing', text: 'name a Python that has it with --python PATH' };
  return finish(python === null ? absent : torchRecipeCommand(python, recipe));
}

async function finish(command: Command | Reason): Promise<Run> {
  if ('kind' in command) return { ms: null, top1: null, reason: command };
  const begin = performance.now();
  let session: Session | null = null;
  try {
    session = await Session.start(command);
    const { top1 } = await session.expect('finished');
    return { ms: performance.now() - begin, top1 };
  } catch (error) {
    if (error instanceof SessionError) return { ms: null, top1: null, reason: error.reason };
    throw error;
  } finally {
    await session?.stop();
  }
}

function runRow(name: string, ours: Run, peer: string, theirs: Run): Row {
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

function emptyRow(name: string, reason: Reason): Row {
  return { name, ours_ms: null, peer: null, peer_ms: null, ratio: null, ours_reason: reason };
}
