/**
 * What runs in a browser: bundles of core and nn need no module at all, that of @omma/onnx/web only those that it says, and none of them
 * a module of Node's.
 */

import { build } from 'rolldown';
import { describe, expect, it } from 'vitest';

/** Bundles a package from source and returns the ids it could not resolve within the repository. */
async function foreignImports(entry: string, platform: 'browser' | 'node'): Promise<string[]> {
  const foreign = new Set<string>();
  const source = new URL('../packages/', import.meta.url).pathname;
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
  return [...foreign].sort();
}

describe.each([
  { entry: 'core/src/index.ts', needs: [] },
  { entry: 'nn/src/index.ts', needs: [] },
  {
    entry: 'onnx/src/web.ts',
    needs: ['@bufbuild/protobuf', '@bufbuild/protobuf/codegenv2', 'onnxruntime-web'],
  },
])('$entry', ({ entry, needs }) => {
  it.each(['browser', 'node'] as const)('bundles for %s and needs nothing else', async (platform) => {
    expect(await foreignImports(entry, platform)).toEqual(needs);
  });
});
