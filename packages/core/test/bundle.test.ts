/**
 * core and nn run anywhere: their bundles for the browser and for Node need no module of Node's, and core imports no package.
 */

import { build } from 'rolldown';
import { describe, expect, it } from 'vitest';

/** Bundles a package from source and returns the ids it could not resolve within the repository. */
async function foreignImports(entry: string, platform: 'browser' | 'node'): Promise<string[]> {
  const foreign = new Set<string>();
  const source = new URL('../../', import.meta.url).pathname;
  await build({
    input: `${source}${entry}`,
    platform,
    write: false,
    resolve: { conditionNames: ['@omma/source'] },
    logLevel: 'silent',
    external: (id, importer) => {
      const bundlers = importer?.startsWith('\0') ?? false;
      const ours = id.startsWith('.') || id.startsWith('/') || id.startsWith('@omma/');
      if (!ours && !bundlers) foreign.add(id);
      return !ours;
    },
  });
  return [...foreign];
}

describe.each(['core/src/index.ts', 'nn/src/index.ts'])('%s', (entry) => {
  it.each(['browser', 'node'] as const)('bundles for %s without foreign imports', async (platform) => {
    expect(await foreignImports(entry, platform)).toEqual([]);
  });
});
