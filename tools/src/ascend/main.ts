/**
 * `node tools/dist/ascend/main.js` writes docs/ascend/models.md. `--check PREFIX` writes nothing: it makes the rows of the models with that
 * prefix anew, prints those that the committed page has otherwise, and exits with 1 when there are any.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { modelPage, modelRows, tabledModels } from './modelTable.ts';

const page = new URL('../../../docs/ascend/models.md', import.meta.url);
const models = await tabledModels();

const [, , mode, prefix = ''] = process.argv;
if (mode === '--check') {
  const committed = readFileSync(page, 'utf8');
  const rows = committed.split('\n').filter((line) => line.startsWith('| resnet'));
  const made = models.filter(({ name }) => name.startsWith(prefix)).flatMap(modelRows);
  const missing = made.filter((row) => !rows.includes(row));
  for (const row of missing) console.log(`not in docs/ascend/models.md: ${row}`);
  if (modelPage(rows) !== committed) console.log('docs/ascend/models.md: the words around the table differ');
  console.log(`${made.length} rows made, ${missing.length} differ`);
  process.exitCode = missing.length > 0 || modelPage(rows) !== committed ? 1 : 0;
} else {
  const rows = models.flatMap(modelRows);
  writeFileSync(page, modelPage(rows));
  console.log(`docs/ascend/models.md: ${rows.length} rows`);
}
