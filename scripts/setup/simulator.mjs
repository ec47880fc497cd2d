/**
 * Step 5: the Ascend simulator, built with CMake from packages/ascend/simulator into its build folder, which is laid
 * out as an installed toolkit (lib64, bin).
 *
 * It stands in for a chip in the tests only, so setup goes on where it cannot be built and says so in one line; the
 * tests that need it are then skipped with that reason. OMMA_SIMULATOR=off goes without.
 */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { root, simulatorBuild, simulatorSource } from './paths.mjs';
import { buildIfChanged, hashOf, sourcesHash } from './stamp.mjs';
import { capture, has, run, step } from './step.mjs';
import { installOrCommand } from './system-packages.mjs';

export async function buildSimulator() {
  if (!existsSync(join(simulatorSource, 'CMakeLists.txt')) || process.env.OMMA_SIMULATOR === 'off') return;
  const library = process.platform === 'linux' ? onnxRuntimeLibrary() : undefined;
  if (library === undefined) return without(`it needs Linux and npm's onnxruntime-node for ${process.arch}`);
  const missing = await missingPackages();
  const command = await installOrCommand(missing);
  if (command !== undefined)
    return without(`missing ${missing.join(', ')}: type  ${command}  and run this again`);

  const wanted = {
    environment: hashOf([simulatorSource, library, process.arch, await compilerVersion()]),
    sources: hashOf([sourcesHash(simulatorSource, simulatorBuild), schemaHash()]),
  };
  await buildIfChanged(simulatorBuild, wanted, () =>
    step('building the Ascend simulator', async () => {
      await run('cmake', [
        ...['-S', simulatorSource, '-B', simulatorBuild],
        `-DOMMA_ONNXRUNTIME_LIBRARY=${library}`,
      ]);
      await run('cmake', ['--build', simulatorBuild, '-j2']);
    }),
  );
}

function without(reason) {
  process.stderr.write(`setup: without the Ascend simulator: ${reason}\n`);
}

/** The C library inside onnxruntime-node; undefined when it has none for this processor. */
function onnxRuntimeLibrary() {
  const require = createRequire(join(root, 'package.json'));
  const bin = join(dirname(require.resolve('onnxruntime-node/package.json')), 'bin');
  return readdirSync(bin)
    .map((napi) => join(bin, napi, 'linux', process.arch, 'libonnxruntime.so.1'))
    .find((file) => existsSync(file));
}

/** Debian's names of what is missing. */
async function missingPackages() {
  const header = (...path) =>
    ['/usr/include', '/usr/local/include'].some((folder) => existsSync(join(folder, ...path)));
  const [compiler, cmake, make, protoc] = await Promise.all([
    has(process.env.CXX ?? 'c++'),
    has('cmake'),
    has('make'),
    has('protoc'),
  ]);
  return [
    ...(compiler ? [] : ['g++']),
    ...(cmake ? [] : ['cmake']),
    ...(make ? [] : ['make']),
    ...(protoc ? [] : ['protobuf-compiler']),
    ...(header('google', 'protobuf', 'message.h') ? [] : ['libprotobuf-dev']),
    ...(header('nlohmann', 'json.hpp') ? [] : ['nlohmann-json3-dev']),
  ];
}

async function compilerVersion() {
  const { output } = await capture(process.env.CXX ?? 'c++', ['--version'], {});
  return output;
}

/** The ONNX schema lies in another package: its change is a change of the simulator's sources too. */
function schemaHash() {
  const folder = join(root, 'packages', 'onnx', 'src', 'proto');
  return existsSync(folder) ? sourcesHash(folder, simulatorBuild) : '';
}
