/**
 * Step 2: the addon of the CPU device, built with CMake from packages/cpu/native into its build folder.
 *
 * Another processor, oneDNN, Node or place on the disk is a fresh build (stamp.mjs).
 * OMMA_NATIVE=off goes without: Omma then computes with its other devices.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { requireNativeTools } from './native-tools.mjs';
import { nativeBuild, nativeSource, root } from './paths.mjs';
import { buildIfChanged, hashOf, sourcesHash } from './stamp.mjs';
import { run, step } from './step.mjs';

export async function buildNative() {
  if (!existsSync(join(nativeSource, 'CMakeLists.txt')) || process.env.OMMA_NATIVE === 'off') return;
  const oneDnn = await requireNativeTools();
  const wanted = { environment: environmentHash(oneDnn), sources: sourcesHash(nativeSource, nativeBuild) };
  await buildIfChanged(nativeBuild, wanted, () =>
    step(`building the CPU device (oneDNN ${oneDnn.version})`, async () => {
      await run('cmake', ['-S', nativeSource, '-B', nativeBuild, ...definitions(oneDnn)]);
      await run('cmake', ['--build', nativeBuild, '-j2']);
    }),
  );
}

/** What CMakeLists.txt may rely on. */
function definitions(oneDnn) {
  const require = createRequire(join(root, 'packages', 'cpu', 'package.json'));
  const folderOf = (name) => dirname(require.resolve(`${name}/package.json`));
  return [
    '-DCMAKE_BUILD_TYPE=Release',
    `-DNODE_API_HEADERS_DIR=${join(folderOf('node-api-headers'), 'include')}`,
    `-DNODE_ADDON_API_DIR=${folderOf('node-addon-api')}`,
    `-DOMMA_ONEDNN_DIR=${oneDnn.prefix}`,
  ];
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

/** Model and instruction sets: an addon built for one processor can stop another with an illegal instruction. */
function processor() {
  const model = cpus()[0]?.model ?? 'unknown';
  if (!existsSync('/proc/cpuinfo')) return [model];
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'));
  return [model, flags?.[1] ?? ''];
}
