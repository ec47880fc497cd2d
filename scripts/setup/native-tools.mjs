/**
 * What building the addon needs from the system: oneDNN, a C++ compiler, CMake, make.
 *
 * As root on Debian or Ubuntu the missing ones are installed. Anywhere else the system belongs to somebody, so the
 * one command that installs them is printed instead.
 */
import { existsSync } from 'node:fs';
import { findOneDnn } from './onednn.mjs';
import { has, run, SetupError, step } from './step.mjs';

/** `{ prefix, version }` of oneDNN, with every other tool present. */
export async function requireNativeTools() {
  const missing = await missingPackages();
  if (missing.length > 0) await installOrExplain(missing);
  const oneDnn = await findOneDnn();
  if (oneDnn !== undefined) return oneDnn;
  throw new SetupError(
    'expected oneDNN in /usr or /usr/local, found none: set OMMA_ONEDNN_DIR to the folder that holds its include and lib',
  );
}

/** Debian's names of what is missing. */
async function missingPackages() {
  const [oneDnn, compiler, cmake, make] = await Promise.all([
    findOneDnn(),
    has(process.env.CXX ?? 'c++'),
    has('cmake'),
    has('make'),
  ]);
  return [
    ...(oneDnn === undefined ? ['libdnnl-dev'] : []),
    ...(compiler ? [] : ['g++']),
    ...(cmake ? [] : ['cmake']),
    ...(make ? [] : ['make']),
  ];
}

async function installOrExplain(missing) {
  const apt = existsSync('/etc/debian_version');
  if (!apt || process.getuid?.() !== 0) {
    throw new SetupError(
      `expected what the CPU device is built with, missing ${missing.join(', ')}: type  ${commandFor(missing, apt)}  (or set OMMA_NATIVE=off to go without the CPU device) and run this again`,
    );
  }
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await step(`installing the system packages (${missing.join(', ')})`, async () => {
    await run('apt-get', ['update'], { env, advice: 'check the connection to the package mirror' });
    await run('apt-get', ['install', '-y', '--no-install-recommends', ...missing], { env });
  });
}

function commandFor(missing, apt) {
  if (apt) return `sudo apt-get install -y ${missing.join(' ')}`;
  if (process.platform === 'darwin') return 'brew install onednn cmake';
  if (existsSync('/etc/fedora-release')) return 'sudo dnf install -y onednn-devel gcc-c++ cmake make';
  if (existsSync('/etc/arch-release')) return 'sudo pacman -S --needed onednn gcc cmake make';
  return "your system's installer for oneDNN 2 or 3 with its headers, a C++17 compiler, CMake and make";
}
