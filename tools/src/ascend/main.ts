/** `node tools/dist/ascend/main.js`: writes docs/ascend/models.md. */

import { writeFileSync } from 'node:fs';
import { modelPage, modelRows, tabledModels } from './modelTable.ts';

const rows = (await tabledModels()).flatMap(modelRows);
writeFileSync(new URL('../../../docs/ascend/models.md', import.meta.url), modelPage(rows));
console.log(`docs/ascend/models.md: ${rows.length} rows`);
