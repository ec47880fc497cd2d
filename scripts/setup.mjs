/**
 * Makes a fresh clone ready to run: packages, native addon, TypeScript build. `npm run setup`, and the first half of
 * `npm test`, `npm run demo`, `npm run bench` and `npm run golden`.
 *
 * It runs before node_modules exists, so it imports nothing but Node, and before the version of Node is known, so
 * this file stays plain and loads the steps afterwards. Each step looks first whether there is anything to do.
 *
 *   node scripts/setup.mjs [--only packages|native|collectives|pictures|simulator|build|page]
 */
import { requireNode } from './setup/node-version.mjs';

requireNode();

const { withLock } = await import('./setup/lock.mjs');
const { SetupError } = await import('./setup/step.mjs');
const { installPackages } = await import('./setup/packages.mjs');
const { buildNative } = await import('./setup/native.mjs');
const { buildCollectives } = await import('./setup/collectives.mjs');
const { buildPictures } = await import('./setup/pictures.mjs');
const { buildSimulator } = await import('./setup/simulator.mjs');
const { buildTypeScript } = await import('./setup/build.mjs');
const { buildPage } = await import('./setup/page.mjs');

const steps = {
  packages: installPackages,
  native: buildNative,
  collectives: buildCollectives,
  pictures: buildPictures,
  simulator: buildSimulator,
  build: buildTypeScript,
  page: buildPage,
};

try {
  const only = chosenStep(process.argv.slice(2));
  await withLock(async () => {
    for (const [name, step] of Object.entries(steps)) {
      if (only === undefined || only === name) await step();
    }
  });
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`setup: ${error.message}\n`);
  process.exitCode = 1;
}

function chosenStep(args) {
  if (args.length === 0) return undefined;
  const [flag, name] = args;
  if (flag === '--only' && name in steps && args.length === 2) return name;
  throw new SetupError(
    `expected no argument or --only ${Object.keys(steps).join('|')}, found "${args.join(' ')}": leave it out to run all steps`,
  );
}
