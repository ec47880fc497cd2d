/**
 * A group that forms again after ranks were lost, of those that are left.
 *
 * The lowest of them leads: it listens where rank 0 listened, on its own machine. Who does not come within the time is left behind. When the leader
 * does not answer either, the next one leads, if more than half of the ranks come. All of it takes a bounded time.
 */

import { OmmaError } from '@omma/core';
import type { DistributedEnvironment } from './environment.ts';
import type { Gathering } from './hub.ts';
import { ProcessGroup } from './processGroup.ts';

/** Between two attempts to reach the leader, in milliseconds. */
const retryInterval = 100;

export interface Reformed {
  /** The environment of the smaller run; null when this process is the only one left. */
  readonly environment: DistributedEnvironment | null;
  /** Old ranks that are no longer there. */
  readonly lost: readonly number[];
}

/** Joins what is left of `broken`, which has lost the ranks of `lost` as far as is known. OmmaError when nobody can be joined. */
export async function reform(
  environment: DistributedEnvironment,
  broken: ProcessGroup,
  lost: readonly number[],
): Promise<Reformed> {
  const { rank, size, addresses } = broken;
  // The leader waits so long for the others, and they for it: a rank notices late when it writes a checkpoint or waits for a timeout itself.
  const window = environment.reformTimeout;
  const everyone = Array.from({ length: size }, (_, other) => other);
  const expected = everyone.filter((other) => !lost.includes(other));
  const gathering: Gathering = { generation: broken.generation + 1, expected, window };
  let unreachable = 0;
  for (const leader of expected) {
    const address = addresses[leader] ?? environment.address;
    const own = { ...environment, rank, size, address, connectTimeout: 2 * window };
    const group =
      leader === rank
        ? await ProcessGroup.rejoin(own, gathering, true)
        : await follow(own, gathering, Date.now() + window);
    if (group === null) {
      unreachable++;
      continue;
    }
    // Who does not answer may be alive behind a cut cable and go on there: two halves must not both write.
    if (unreachable > 0 && 2 * group.size <= size) {
      await group.dispose();
      break;
    }
    const alone = group.size === 1;
    if (alone) await group.dispose();
    return {
      environment: alone ? null : { ...environment, address, rank: group.rank, size: group.size, group },
      lost: everyone.filter((other) => !group.members.includes(other)),
    };
  }
  throw new OmmaError(
    `distributed: rank ${expected[0]} cannot be reached, and too few others of the ${size} are left to go on without it; the run ends here`,
  );
}

/** The group that somebody else leads; null when nobody does. */
async function follow(
  environment: DistributedEnvironment,
  gathering: Gathering,
  deadline: number,
): Promise<ProcessGroup | null> {
  for (;;) {
    try {
      return await ProcessGroup.rejoin(environment, gathering, false);
    } catch (error) {
      if (error instanceof OmmaError && error.message.includes('have gone on without')) throw error;
      if (Date.now() > deadline) return null;
      await new Promise((resolve) => setTimeout(resolve, retryInterval));
    }
  }
}
