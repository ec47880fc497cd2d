/**
 * Training that goes on with fewer ranks when some are lost: the others form a smaller group, reload the last checkpoint and train the rest. Where the
 * device's own library connects the ranks (HCCL), or MPI does, nobody can go on and the run ends.
 */

import { OmmaError } from '@omma/core';
import type { Config } from '../config/types.ts';
import { checkpointPlace, goOn, newestSince } from '../hooks/checkpointPlace.ts';
import type { RunnerOptions } from '../runner/api.ts';
import type { EndEvent, RunnerListener } from '../runner/events.ts';
import { Runner } from '../runner/runner.ts';
import type { DistributedEnvironment } from './environment.ts';
import { reform } from './reform.ts';

export interface ElasticOptions extends Omit<RunnerOptions, 'onEvent'> {
  /** Who hears of a run: another listener when this process becomes the main one. */
  readonly listenerOf?: (isMain: boolean) => RunnerListener;
}

export interface ElasticEnd {
  readonly end: EndEvent;
  /** True on the process that was the main one at the end. */
  readonly isMain: boolean;
}

/** Trains `config` to its end with as many ranks as are left. Rejects with what ended the run. */
export async function trainElastic(config: Config, options: ElasticOptions = {}): Promise<ElasticEnd> {
  const started = Date.now();
  let { distributed: environment = null, resume } = options;
  let news: string | null = null;
  for (;;) {
    const onEvent = options.listenerOf?.((environment?.rank ?? 0) === 0) ?? (() => undefined);
    if (news !== null) onEvent({ type: 'warning', message: news });
    const runner = await Runner.create(config, {
      ...options,
      distributed: environment,
      onEvent,
      takeOver: news !== null,
      ...(resume === undefined ? {} : { resume }),
    });
    const { isMain } = runner;
    try {
      return { end: await runner.train(), isMain };
    } catch (error) {
      const lost = lostBy(runner, environment);
      if (lost === null || environment === null || runner.distributed === null) throw error;
      await runner.dispose();
      const last = () => newestSince(checkpointPlace(runner), started);
      const next = await reform(environment, runner.distributed.group, lost).catch(async (failure: Error) => {
        throw new OmmaError(`${failure.message}; ${goOn(await last())}`, { cause: failure });
      });
      const checkpoint = await last();
      resume = checkpoint ?? resume;
      news = newsOf(environment, next, checkpoint);
      environment = next.environment;
    } finally {
      await runner.dispose();
    }
  }
}

/** The ranks whose loss the run can go on without; null when it cannot. */
function lostBy(
  { distributed, device }: Runner,
  environment: DistributedEnvironment | null,
): readonly number[] | null {
  const connectedByLibrary = device.connect !== undefined || distributed?.communicator.name === 'mpi';
  if (environment?.elastic !== true || connectedByLibrary) return null;
  return distributed?.lost ?? null;
}

function newsOf(
  before: DistributedEnvironment,
  {
    environment,
    lost,
  }: { readonly environment: DistributedEnvironment | null; readonly lost: readonly number[] },
  checkpoint: string | null,
): string {
  const left = environment?.size ?? 1;
  const from = checkpoint ?? 'where the run began, because no checkpoint had been written yet';
  return `rank ${lost.join(', ')} of ${before.size} is lost; the ${left === 1 ? 'one that is left goes' : `${left} that are left go`} on from ${from}`;
}
