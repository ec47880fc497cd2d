/**
 * Step 4: the addon of @omma/cv, built with CMake from packages/cv/native into its build folder.
 *
 * It makes decoding fast, and nothing needs it: setup goes on where what it is built with is missing, and says so; sharp decodes then.
 * OMMA_NATIVE=off goes without.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { addonDefinitions, processor } from './addon.mjs';
import { missingTools } from './native-tools.mjs';
import { coreNative, picturesBuild, picturesSource } from './paths.mjs';
import { buildIfChanged, hashOf, sourcesHash } from './stamp.mjs';
import { capture, run, step } from './step.mjs';
import { installIfPossible } from './system-packages.mjs';

export async function buildPictures() {
  if (!existsSync(join(picturesSource, 'CMakeLists.txt')) || process.env.OMMA_NATIVE === 'off') return;
  const missing = await missingPackages();
  const command = await installIfPossible(missing);
  if (command !== undefined) {
    process.stderr.write(
      `setup: without the addon that decodes pictures, several times slower: missing ${missing.join(', ')}: type  ${command}  and run this again\n`,
    );
    return;
  }
  const wanted = {
    environment: hashOf([picturesSource, process.versions.modules, process.arch, ...processor()]),
    sources: hashOf([sourcesHash(picturesSource, picturesBuild), sourcesHash(coreNative, picturesBuild)]),
  };
  await buildIfChanged(picturesBuild, wanted, () =>
    step('building the picture decoder', async () => {
      await run('cmake', [
        '-S',
        picturesSource,
        '-B',
        picturesBuild,
        ...addonDefinitions(),
        ...(await homebrew()),
      ]);
      await run('cmake', ['--build', picturesBuild, '-j2']);
    }),
  );
}

/** Debian's names, which are Ubuntu's too, of what is missing. */
async function missingPackages() {
  const [jpeg, tools] = await Promise.all([hasJpeg(), missingTools()]);
  return [...(jpeg ? [] : ['libjpeg-dev']), ...tools];
}

async function hasJpeg() {
  const prefix = await homebrewPrefix();
  return ['/usr', '/usr/local', prefix].some((folder) => existsSync(join(folder, 'include', 'jpeglib.h')));
}

/** macOS: where Homebrew keeps libjpeg-turbo, which it does not link. */
async function homebrewPrefix() {
  if (process.platform !== 'darwin') return '/usr';
  const { code, output } = await capture('brew', ['--prefix', 'jpeg-turbo'], {});
  return code === 0 ? output.trim() : '/usr/local';
}

async function homebrew() {
  return process.platform === 'darwin' ? [`-DCMAKE_PREFIX_PATH=${await homebrewPrefix()}`] : [];
}
