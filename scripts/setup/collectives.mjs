/**
 * Step 3: the addons of the collective engines (shared memory, Gloo, Open MPI), built with CMake from packages/collectives/native.
 *
 * Nothing needs them: where a compiler or CMake is missing and cannot be installed setup goes on. Shared memory needs no library. Gloo's is installed where root runs this on Debian; without it training on several machines goes over plain TCP, so setup goes
 * on and says so in one line. Open MPI is for machines that have it: nobody needs it who does not start with mpirun. OMMA_NATIVE=off goes without them.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { addonDefinitions, processor } from './addon.mjs';
import { missingTools } from './native-tools.mjs';
import { collectivesBuild, collectivesSource, coreNative } from './paths.mjs';
import { buildIfChanged, hashOf, sourcesHash } from './stamp.mjs';
import { capture, has, run, step } from './step.mjs';
import { installIfPossible } from './system-packages.mjs';

export async function buildCollectives() {
  if (!existsSync(join(collectivesSource, 'CMakeLists.txt')) || process.env.OMMA_NATIVE === 'off') return;
  const missing = await missingTools();
  const tools = await installIfPossible(missing);
  if (tools !== undefined) {
    return without(
      'shared memory, Gloo and Open MPI, training in several processes goes over plain TCP, which is slower, and all else works',
      missing,
      tools,
    );
  }
  const command = hasGloo() ? undefined : await installIfPossible(['libgloo-dev']);
  const engines = [...(hasGloo() ? ['GLOO'] : []), ...((await hasMpi()) ? ['MPI'] : [])];
  if (!engines.includes('GLOO')) {
    without(
      'Gloo, training on several machines goes over plain TCP, which is slower',
      ['libgloo-dev'],
      command ?? 'apt-get install -y libgloo-dev',
    );
  }
  const wanted = {
    environment: hashOf([
      collectivesSource,
      ...engines,
      process.versions.modules,
      process.arch,
      ...processor(),
    ]),
    sources: hashOf([
      sourcesHash(collectivesSource, collectivesBuild),
      sourcesHash(coreNative, collectivesBuild),
    ]),
  };
  await buildIfChanged(collectivesBuild, wanted, () =>
    step(
      `building the collective engines (${['shared memory', ...engines.map((name) => name.toLowerCase())].join(', ')})`,
      async () => {
        await run('cmake', [
          ...['-S', collectivesSource, '-B', collectivesBuild],
          ...engines.map((name) => `-DOMMA_${name}=ON`),
          ...addonDefinitions(),
        ]);
        await run('cmake', ['--build', collectivesBuild, '-j2']);
      },
    ),
  );
}

function without(what, missing, command) {
  process.stderr.write(
    `setup: without ${what}: missing ${missing.join(', ')}: type  ${command}  and run this again\n`,
  );
}

function hasGloo() {
  return ['/usr/include', '/usr/local/include'].some((folder) =>
    existsSync(join(folder, 'gloo', 'allreduce.h')),
  );
}

/** Open MPI's compiler wrapper, whose library the addon is written for. */
async function hasMpi() {
  if (!(await has('mpicxx'))) return false;
  const { output } = await capture('mpicxx', ['--showme:version'], {});
  return output.includes('Open MPI');
}
