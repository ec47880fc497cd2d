/** What the builds of all addons have in common. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { coreNative, root } from './paths.mjs';

/** What their CMakeLists.txt may rely on: the folders of the Node headers, and of those that packages share. */
export function addonDefinitions() {
  const require = createRequire(join(root, 'packages', 'cpu', 'package.json'));
  const folderOf = (name) => dirname(require.resolve(`${name}/package.json`));
  return [
    '-DCMAKE_BUILD_TYPE=Release',
    `-DNODE_API_HEADERS_DIR=${join(folderOf('node-api-headers'), 'include')}`,
    `-DNODE_ADDON_API_DIR=${folderOf('node-addon-api')}`,
    `-DOMMA_CORE_NATIVE_DIR=${coreNative}`,
  ];
}

/** Model and instruction sets: an addon built for one processor can stop another with an illegal instruction. */
export function processor() {
  const model = cpus()[0]?.model ?? 'unknown';
  if (!existsSync('/proc/cpuinfo')) return [model];
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'));
  return [model, flags?.[1] ?? ''];
}
