/**
 * Step 2: the addon of the CPU device, built with CMake from packages/cpu/native into its build folder.
 *
 * Another processor, oneDNN, Node or place on the disk is a fresh build (stamp.mjs).
 * OMMA_NATIVE=off goes without: Omma then computes with its other devices.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { addonDefinitions, processor } from './addon.mjs';
import { requireNativeTools } from './native-tools.mjs';
import { coreNative, nativeBuild, nativeSource } from './paths.mjs';
import { buildIfChanged, hashOf, sourcesHash } from './stamp.mjs';
import { run, step } from './step.mjs';

export async function buildNative() {
  if (!existsSync(join(nativeSource, 'CMakeLists.txt')) || process.env.OMMA_NATIVE === 'off') return;
  const oneDnn = await requireNativeTools();
  const wanted = {
    environment: environmentHash(oneDnn),
    sources: hashOf([sourcesHash(nativeSource, nativeBuild), sourcesHash(coreNative, nativeBuild)]),
  };
  await buildIfChanged(nativeBuild, wanted, () =>
    step(`building the CPU device (oneDNN ${oneDnn.version})`, async () => {
      await run('cmake', [
        '-S',
        nativeSource,
        '-B',
        nativeBuild,
        ...addonDefinitions(),
        `-DOMMA_ONEDNN_DIR=${oneDnn.prefix}`,
      ]);
      await run('cmake', ['--build', nativeBuild, '-j2']);
    }),
  );
}

function environmentHash(oneDnn) {
  return hashOf([
    nativeSource,
    oneDnn.prefix,
    oneDnn.version,
    process.versions.modules,
    process.arch,
    ...processor(),
  ]);
}
