/**
 * Finds oneDNN, the library that the CPU device computes with: headers and library under one prefix.
 *
 * OMMA_ONEDNN_DIR names a prefix outright. Debian's own CMake package for it asks for OpenCL's development files and
 * fails without, so the files themselves are looked for.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture, SetupError } from './step.mjs';

const HEADER = join('include', 'oneapi', 'dnnl', 'dnnl.hpp');
const VERSION_HEADER = join('include', 'oneapi', 'dnnl', 'dnnl_version.h');

/** `{ prefix, version }`, or undefined where there is none. */
export async function findOneDnn() {
  const chosen = process.env.OMMA_ONEDNN_DIR;
  if (chosen) {
    if (isOneDnn(chosen)) return describe(chosen);
    throw new SetupError(
      `expected ${HEADER} and a library libdnnl below OMMA_ONEDNN_DIR, found none in ${chosen}: correct the variable or unset it`,
    );
  }
  const prefix = (await usualPrefixes()).find(isOneDnn);
  return prefix === undefined ? undefined : describe(prefix);
}

async function usualPrefixes() {
  if (process.platform !== 'darwin') return ['/usr/local', '/usr'];
  const { code, output } = await capture('brew', ['--prefix', 'onednn'], {});
  return code === 0 ? [output.trim(), '/usr/local'] : ['/usr/local'];
}

function isOneDnn(prefix) {
  return existsSync(join(prefix, HEADER)) && libraryFolders(prefix).some(holdsLibrary);
}

function libraryFolders(prefix) {
  const lib = join(prefix, 'lib');
  const triplets = existsSync(lib) ? readdirSync(lib).filter((name) => name.includes('-linux-')) : [];
  return [lib, join(prefix, 'lib64'), ...triplets.map((name) => join(lib, name))];
}

function holdsLibrary(folder) {
  return ['libdnnl.so', 'libdnnl.dylib', 'libdnnl.a'].some((name) => existsSync(join(folder, name)));
}

function describe(prefix) {
  const text = readFileSync(join(prefix, VERSION_HEADER), 'utf8');
  const part = (name) => new RegExp(`#define DNNL_VERSION_${name}\\s+(\\d+)`).exec(text)?.[1] ?? '?';
  return { prefix, version: `${part('MAJOR')}.${part('MINOR')}.${part('PATCH')}` };
}
