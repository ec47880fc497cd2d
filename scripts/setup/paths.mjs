/** The places that the setup steps share, all inside the repository. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const nativeSource = join(root, 'packages', 'cpu', 'native');
export const nativeBuild = join(nativeSource, 'build');
/** C headers that the addons of several packages share. */
export const coreNative = join(root, 'packages', 'core', 'native');
export const collectivesSource = join(root, 'packages', 'collectives', 'native');
export const collectivesBuild = join(collectivesSource, 'build');
export const picturesSource = join(root, 'packages', 'cv', 'native');
export const picturesBuild = join(picturesSource, 'build');
export const simulatorSource = join(root, 'packages', 'ascend', 'simulator');
export const simulatorBuild = join(simulatorSource, 'build');
/** Setup's own notes: its lock. Ignored by git. */
export const notes = join(root, '.omma');
