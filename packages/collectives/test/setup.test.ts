import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('setup goes on where nothing is to build with, and says what is missing, what works without and what to type', () => {
  const setup = fileURLToPath(new URL('../../../scripts/setup.mjs', import.meta.url));
  const { OMMA_NATIVE: _, CXX: __, ...environment } = process.env;
  const { status, stderr } = spawnSync(process.execPath, [setup, '--only', 'collectives'], {
    encoding: 'utf8',
    env: { ...environment, PATH: mkdtempSync(join(tmpdir(), 'omma-no-tools-')) },
  });
  expect(status).toBe(0);
  expect(stderr).toMatch(
    /^setup: without shared memory, Gloo and Open MPI, .* goes over plain TCP, .* all else works: missing g\+\+, cmake, make: type {2}\S.* {2}and run this again$/m,
  );
});
