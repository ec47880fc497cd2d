/**
 * Step 6: TypeScript, every package in the order of its references. `tsc -b` itself knows what is up to date, so it
 * is asked first and speaks only when there was work.
 */
import { join } from 'node:path';
import { root } from './paths.mjs';
import { capture, run, step } from './step.mjs';

const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

export async function buildTypeScript() {
  if (await isBuilt()) return;
  await step('building TypeScript', () =>
    run(process.execPath, [tsc, '-b'], { advice: 'correct the errors above, then run this again' }),
  );
}

/** `--dry` names a project that would be built; with `--verbose` off it says of the others that they are up to date. */
async function isBuilt() {
  const { code, output } = await capture(process.execPath, [tsc, '-b', '--dry'], {});
  return code === 0 && !/would (build|delete|update)/i.test(output);
}
