import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { mpiAvailable } from '../src/index.ts';

const available = mpiAvailable();
if (available !== true) process.stderr.write(`skipped: Open MPI: ${available}\n`);

const program = fileURLToPath(new URL('./support/mpiRank.mjs', import.meta.url));

describe.skipIf(available !== true)('Open MPI', { timeout: 60_000 }, () => {
  it('finds a NaN by max and min on whichever rank it is, and scatters sums', async () => {
    const consents = { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
    const { stdout } = await promisify(execFile)(
      'mpirun',
      ['-n', '2', '--oversubscribe', process.execPath, program],
      { env: { ...process.env, ...consents } },
    );
    const said = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .sort((a, b) => a.rank - b.rank);
    const common = { max: ['NaN', 'NaN', '3'], min: ['NaN', 'NaN', '2'] };
    expect(said).toEqual([
      { ...common, rank: 0, scattered: [10] },
      { ...common, rank: 1, scattered: [12] },
    ]);
  });
});
