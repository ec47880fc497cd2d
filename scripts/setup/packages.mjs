/**
 * Step 1: node_modules as package-lock.json wants it.
 *
 * npm leaves a copy of what it installed in node_modules/.package-lock.json, as its last act. Comparing the two says
 * what a time stamp cannot: an interrupted install is repeated, a fresh `git checkout` or `npm install` is not.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.mjs';
import { run, step } from './step.mjs';

export async function installPackages() {
  if (isInstalled()) return;
  await step('installing the npm packages', () =>
    run('npm', ['ci', '--no-audit', '--no-fund'], {
      env: { ONNXRUNTIME_NODE_INSTALL: 'skip' },
      advice: 'check the connection to the npm registry, then run this again',
    }),
  );
}

function isInstalled() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const wanted = packagesIn(join(root, 'package-lock.json'));
  const found = packagesIn(installed);
  return (
    Object.entries(wanted).every(([path, entry]) => path === '' || isMet(entry, found[path])) &&
    Object.keys(found).every((path) => path in wanted)
  );
}

/** Optional packages are those of other platforms: they may be absent, but not different. */
function isMet(wanted, found) {
  if (found === undefined) return wanted.optional === true || wanted.peer === true;
  return wanted.version === found.version && wanted.integrity === found.integrity;
}

function packagesIn(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}
