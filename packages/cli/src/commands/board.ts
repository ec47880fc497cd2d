/** `omma board`: serves the dashboard until Ctrl-C. */

import { stat } from 'node:fs/promises';
import { RunSet, serveBoard } from '@omma/board';
import { OmmaError } from '@omma/core';
import pc from 'picocolors';
import { rootOf } from '../run/runsRoot.ts';

export interface BoardCommandOptions {
  readonly host: string;
  readonly port: number;
}

export async function board(dir: string | undefined, { host, port }: BoardCommandOptions): Promise<void> {
  const { root } = await rootOf(dir);
  const isFolder = await stat(root).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new OmmaError(`${root}: is no folder; name the folder of your work directories`);
  const runs = new RunSet(root);
  const served = await serveBoard(runs, { host, port });
  // Logs are read from now on, so that they are there when the page asks.
  runs.refresh().then(
    () => {
      if (runs.runs.length === 0)
        process.stdout.write(
          pc.yellow('it holds no runs (folders with a log.jsonl); they show as soon as there are some\n'),
        );
    },
    (error: unknown) => process.stderr.write(`board: ${String(error)}\n`),
  );
  process.stdout.write(`${pc.bold(served.url)}  shows the runs in ${runs.root}; Ctrl-C ends it\n`);
  if (host !== '127.0.0.1' && host !== 'localhost')
    process.stdout.write(pc.yellow('everybody who reaches this machine can read these runs\n'));
  await new Promise<void>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done());
  });
  await served.close();
}
