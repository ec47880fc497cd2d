/**
 * Step 3: the addons of the collective engines (shared memory, Gloo, Open MPI), built with CMake from packages/collectives/native.
 *
 * Shared memory needs no library. Gloo's is installed where root runs this on Debian; without it training on several machines goes over plain TCP, so setup goes
 * on and says so in one line. Open MPI is for machines that have it: nobody needs it who does not start with mpirun. OMMA_NATIVE=off goes without them.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { addonDefinitions, processor } from './addon.mjs';
import { collectivesBuild, collectivesSource, coreNative } from './paths.mjs';
import { buildIfChanged, hashOf, sourcesHash } from './stamp.mjs';
import { capture, has, run, step } from './step.mjs';
import { installIfPossible } from './system-packages.mjs';

export async function buildCollectives() {
  if (!existsSync(join(collectivesSource, 'CMakeLists.txt')) || process.env.OMMA_NATIVE === 'off') return;
  if (!(await has('cmake'))) return without('missing cmake');
  const command = hasGloo() ? undefined : await installIfPossible(['libgloo-dev']);
  const engines = [...(hasGloo() ? ['GLOO'] : []), ...((await hasMpi()) ? ['MPI'] : [])];
  if (!engines.includes('GLOO'))
    without(`missing libgloo-dev: type  ${command ?? 'apt-get install -y libgloo-dev'}  and run this again`);
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

function without(reason) {
  process.stderr.write(`setup: without Gloo, training on several machines is slower: ${reason}\n`);
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
