/** Where the built simulator is, laid out as an installed toolkit, for tests that start processes with it. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const built = fileURLToPath(new URL('../../simulator/build', import.meta.url));

/** What ASCEND_TOOLKIT_HOME points to. */
export const simulatorHome = process.env.OMMA_ASCEND_SIM_HOME ?? built;

/** Why `files` of the simulator cannot be used, or null. */
export function missingInSimulator(...files: readonly string[]): string | null {
  const missing = files.filter((file) => !existsSync(join(simulatorHome, file)));
  if (missing.length === 0) return null;
  return `the simulator is not built (${missing.join(', ')}): node scripts/setup.mjs builds it where cmake, g++, protobuf and nlohmann-json are`;
}
