/**
 * What building the addon needs from the system: oneDNN, a C++ compiler, CMake, make.
 */
import { findOneDnn } from './onednn.mjs';
import { has, SetupError } from './step.mjs';
import { installOrCommand } from './system-packages.mjs';

/** `{ prefix, version }` of oneDNN, with every other tool present. */
export async function requireNativeTools() {
  const missing = await missingPackages();
  const command = await installOrCommand(missing);
  if (command !== undefined) {
    throw new SetupError(
      `expected what the CPU device is built with, missing ${missing.join(', ')}: type  ${command}  (or set OMMA_NATIVE=off to go without the CPU device) and run this again`,
    );
  }
  const oneDnn = await findOneDnn();
  if (oneDnn !== undefined) return oneDnn;
  throw new SetupError(
    'expected oneDNN in /usr or /usr/local, found none: set OMMA_ONEDNN_DIR to the folder that holds its include and lib',
  );
}

/** Debian's names of what is missing. */
async function missingPackages() {
  const [oneDnn, tools] = await Promise.all([findOneDnn(), missingTools()]);
  return [...(oneDnn === undefined ? ['libdnnl-dev'] : []), ...tools];
}

/** What every addon is built with, as far as it is missing: Debian's names, which are Ubuntu's too. */
export async function missingTools() {
  const [compiler, cmake, make] = await Promise.all([
    has(process.env.CXX ?? 'c++'),
    has('cmake'),
    has('make'),
  ]);
  return [...(compiler ? [] : ['g++']), ...(cmake ? [] : ['cmake']), ...(make ? [] : ['make'])];
}
