/**
 * Packages of the system that a build step needs. As root on Debian or Ubuntu the missing ones are installed.
 * Anywhere else the system belongs to somebody: the caller gets the one command that installs them.
 */
import { existsSync } from 'node:fs';
import { run, SetupError, step } from './step.mjs';

/** Installs `missing` (Debian's names); undefined when that was done, otherwise the command to type. */
export async function installOrCommand(missing) {
  if (missing.length === 0) return undefined;
  const apt = existsSync('/etc/debian_version');
  if (!apt || process.getuid?.() !== 0) return commandFor(missing, apt);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await step(`installing the system packages (${missing.join(', ')})`, async () => {
    await run('apt-get', ['update'], { env, advice: 'check the connection to the package mirror' });
    await run('apt-get', ['install', '-y', '--no-install-recommends', ...missing], { env });
  });
  return undefined;
}

/** The same for what Omma can do without: an installation that fails (no network, a release without the package) is told, and setup goes on. */
export async function installIfPossible(missing) {
  try {
    return await installOrCommand(missing);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`setup: ${error.message}\n`);
    return commandFor(missing, true);
  }
}

/** What other systems call Debian's packages. */
const NAMES = {
  brew: { 'libdnnl-dev': 'onednn', 'libjpeg-dev': 'jpeg-turbo', 'g++': '', make: '' },
  dnf: {
    'libdnnl-dev': 'onednn-devel',
    'libjpeg-dev': 'libjpeg-turbo-devel',
    'g++': 'gcc-c++',
    'nlohmann-json3-dev': 'json-devel',
    'libprotobuf-dev': 'protobuf-devel',
    'protobuf-compiler': 'protobuf-compiler',
  },
  pacman: {
    'libdnnl-dev': 'onednn',
    'libjpeg-dev': 'libjpeg-turbo',
    'g++': 'gcc',
    'nlohmann-json3-dev': 'nlohmann-json',
    'libprotobuf-dev': 'protobuf',
    'protobuf-compiler': 'protobuf',
  },
};

function commandFor(missing, apt) {
  const named = (names) => [...new Set(missing.map((name) => names[name] ?? name))].filter(Boolean).join(' ');
  if (apt) return `sudo apt-get install -y ${missing.join(' ')}`;
  if (process.platform === 'darwin') return `brew install ${named(NAMES.brew)}`;
  if (existsSync('/etc/fedora-release')) return `sudo dnf install -y ${named(NAMES.dnf)}`;
  if (existsSync('/etc/arch-release')) return `sudo pacman -S --needed ${named(NAMES.pacman)}`;
  return `your system's installer for ${missing.join(', ')} (Debian's names)`;
}
