/**
 * Step 2: the addon of the CPU device, built with CMake from packages/cpu/native into its build folder.
 *
 * A stamp in the build folder holds two hashes. Sources that changed are an incremental build; another processor,
 * oneDNN, Node or place on the disk is a fresh one, because the compiler's flags and the cached paths no longer fit.
 * OMMA_NATIVE=off goes without: Omma then computes with its other devices.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { requireNativeTools } from './native-tools.mjs';
import { nativeBuild, nativeSource, root } from './paths.mjs';
import { run, step } from './step.mjs';

const stampFile = join(nativeBuild, 'setup-stamp.json');

export async function buildNative() {
  if (!existsSync(join(nativeSource, 'CMakeLists.txt')) || process.env.OMMA_NATIVE === 'off') return;
  const oneDnn = await requireNativeTools();
  const stamp = { environment: environmentHash(oneDnn), sources: sourcesHash() };
  const built = readStamp();
  if (built?.environment === stamp.environment && built.sources === stamp.sources) return;

  if (built?.environment !== stamp.environment) rmSync(nativeBuild, { recursive: true, force: true });
  await step(`building the CPU device (oneDNN ${oneDnn.version})`, async () => {
    await run('cmake', ['-S', nativeSource, '-B', nativeBuild, ...definitions(oneDnn)]);
    await run('cmake', ['--build', nativeBuild, '-j2']);
  });
  writeFileSync(stampFile, `${JSON.stringify(stamp)}\n`);
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

function sourcesHash() {
  const files = readdirSync(nativeSource, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !file.startsWith(nativeBuild))
    .sort();
  return hashOf(files.flatMap((file) => [relative(nativeSource, file), readFileSync(file)]));
}

function hashOf(parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex');
}

function readStamp() {
  return existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, 'utf8')) : undefined;
}
