/**
 * `npm run bench`: measures Omma beside its peers, here and now, and prints one table.
 *
 * Children do the work (session.ts), in turns (contest.ts); catalogue.ts says what is measured. Progress goes to standard error, the
 * table or the JSON to standard output.
 */

import { availableParallelism, loadavg } from 'node:os';
import { runTool, UsageError } from '../commandLine.ts';
import { parseArguments, usage } from './arguments.ts';
import type { Setting } from './benchmark.ts';
import { catalogue } from './catalogue.ts';
import { repository } from './commands.ts';
import { torchPeers } from './peers.ts';
import type { Row } from './row.ts';
import { formatRow, formatTable } from './table.ts';

await runTool('bench', usage, async (argv) => {
  const chosen = parseArguments(argv, repository);
  const { threads, device, quick, data, only, long } = chosen;
  const benchmarks = catalogue.filter(
    (benchmark) => (long || !benchmark.long) && (only?.test(benchmark.name) ?? true),
  );
  if (benchmarks.length === 0) {
    throw new UsageError(
      `--only: no benchmark matches; there are: ${catalogue.map(({ name }) => name).join('; ')}`,
    );
  }
  const setting: Setting = {
    threads,
    device,
    quick,
    data,
    pace: quick ? { rounds: 3, steps: 1, roundMs: 300 } : { rounds: 5, steps: 2, roundMs: 1000 },
    torch: await torchPeers(chosen.pythons),
    pythons: chosen.pythons,
    progress: (line) => process.stderr.write(`bench: ${line}\n`),
  };
  warnOfOthers(setting);
  const rows: Row[] = [];
  for (const benchmark of benchmarks) {
    const measured = await benchmark.run(setting);
    for (const row of measured) setting.progress(formatRow(row));
    rows.push(...measured);
  }
  process.stdout.write(chosen.json ? `${JSON.stringify(rows, null, 2)}\n` : `${formatTable(rows)}\n`);
  return 0;
});

/** Times are only worth something on a machine that does nothing else. */
function warnOfOthers({ progress }: Setting): void {
  const [load = 0] = loadavg();
  if (load > availableParallelism() / 4) {
    progress(`other programs keep this machine busy (load ${load.toFixed(1)}): times will be too long`);
  }
}
