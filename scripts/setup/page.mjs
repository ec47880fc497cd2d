/**
 * Step 5: the board's web page, bundled with all that it needs, so that the board works without a network. A stamp of the sources and of the
 * lockfile says whether there is anything to do.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.mjs';
import { SetupError, step } from './step.mjs';

const sources = join(root, 'packages', 'board', 'web');
const target = join(root, 'packages', 'board', 'dist', 'page');
const stampFile = join(target, '.stamp');

export async function buildPage() {
  const stamp = stampOf();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  await step("bundling the board's page", async () => {
    mkdirSync(target, { recursive: true });
    const { build } = await import('rolldown');
    try {
      await build({
        input: join(sources, 'main.tsx'),
        platform: 'browser',
        logLevel: 'warn',
        transform: { target: 'es2022' },
        output: { file: join(target, 'board.js'), format: 'es', minify: true },
      });
    } catch (error) {
      throw new SetupError(
        `the board's page cannot be bundled: ${error.message}; correct packages/board/web`,
      );
    }
    copyFileSync(join(sources, 'index.html'), join(target, 'index.html'));
    const uplot = readFileSync(join(root, 'node_modules', 'uplot', 'dist', 'uPlot.min.css'), 'utf8');
    writeFileSync(join(target, 'board.css'), `${uplot}\n${readFileSync(join(sources, 'board.css'), 'utf8')}`);
    writeFileSync(stampFile, stamp);
  });
}

function stampOf() {
  const hash = createHash('sha256');
  for (const name of readdirSync(sources).sort()) hash.update(name).update(readFileSync(join(sources, name)));
  hash.update(readFileSync(join(root, 'package-lock.json')));
  return hash.digest('hex');
}
