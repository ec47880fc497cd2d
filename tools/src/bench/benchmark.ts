/** A benchmark: something that can be measured and gives rows. Every kind has a file; catalogue.ts lists them. */

import type { Contestant, Pace } from './contest.ts';
import type { TorchPeers } from './peers.ts';
import type { Reason, Row } from './row.ts';
import { type Command, Session, SessionError } from './session.ts';

/** What the command line chose, and the peers that were found. */
export interface Setting {
  readonly threads: number;
  readonly device: string;
  readonly quick: boolean;
  /** Folder of the data sets for whole training runs. */
  readonly data: string;
  readonly pace: Pace;
  readonly torch: readonly TorchPeers[];
  /** All Pythons that were named, whatever they have. */
  readonly pythons: readonly string[];
  /** Tells the user what is being measured. */
  readonly progress: (line: string) => void;
}

export interface Benchmark {
  /** Name of its rows; `--only` looks at it. */
  readonly name: string;
  /** Takes minutes: only with `--long`. */
  readonly long: boolean;
  run(setting: Setting): Promise<readonly Row[]>;
}

/** Starts a session and waits until it is ready. A side that cannot be started is its reason. */
export async function enter(command: Command | Reason): Promise<Entrant> {
  if ('kind' in command) return { contestant: command, label: null, detail: '' };
  let session: Session | null = null;
  try {
    session = await Session.start(command);
    const { label, detail } = await session.expect('ready');
    return { contestant: session, label, detail };
  } catch (error) {
    await session?.stop();
    if (error instanceof SessionError) return { contestant: error.reason, label: null, detail: '' };
    throw error;
  }
}

export interface Entrant {
  readonly contestant: Contestant;
  /** Null when it did not get ready. */
  readonly label: string | null;
  readonly detail: string;
}

/** Ends an entrant's process, if there is one. */
export async function leave({ contestant }: Entrant): Promise<void> {
  if (contestant instanceof Session) await contestant.stop();
}
