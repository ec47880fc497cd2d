/**
 * How a build step knows that there is nothing to do: a stamp in its build folder with two hashes. Sources that
 * changed are an incremental build; another environment (compiler, library, place on the disk) is a fresh one,
 * because the paths that CMake cached no longer fit.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Runs `build` when the stamp in `folder` is not the wanted `{ environment, sources }`, then writes it. */
export async function buildIfChanged(folder, wanted, build) {
  const file = join(folder, 'setup-stamp.json');
  const built = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  if (built?.environment === wanted.environment && built.sources === wanted.sources) return;
  if (built?.environment !== wanted.environment) rmSync(folder, { recursive: true, force: true });
  await build();
  writeFileSync(file, `${JSON.stringify(wanted)}\n`);
}

/** Hash of all files below `folder`, their names included, without those below `except`. */
export function sourcesHash(folder, except) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !file.startsWith(except))
    .sort();
  return hashOf(files.flatMap((file) => [relative(folder, file), readFileSync(file)]));
}

export function hashOf(parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex');
}
