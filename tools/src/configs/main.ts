/**
 * `node tools/dist/configs/main.js PEER.jsonl...`: compares what Omma makes of OpenMMLab's config files
 * with what MMEngine makes of them, as tools/config-peers/mmengine_configs.py wrote it down.
 *
 * Prints every difference and the counts; `--out` writes the table of docs/openmmlab-configs.md. Exit code 0 when all agree, 1 otherwise.
 */

import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { runTool, UsageError } from '../commandLine.ts';
import { type Comparison, comparePeer, parsePeer } from './compare.ts';
import { report } from './report.ts';

const usage = `usage: node tools/dist/configs/main.js PEER.jsonl... [options]

  --package-path DIR   a folder of Python packages whose configs are named by others; may be given several times
  --strip PREFIX=NAME  a folder that the table calls NAME; may be given several times
  --out FILE           writes the table of docs/openmmlab-configs.md
`;

await runTool('configs', usage, async (argv) => {
  const { values, positionals } = parseArgs({
    args: argv,
    options: {
      strip: { type: 'string', multiple: true, default: [] },
      'package-path': { type: 'string', multiple: true, default: [] },
      out: { type: 'string' },
    },
    allowPositionals: true,
  });

  if (positionals.length === 0) throw new UsageError('expected a file that mmengine_configs.py wrote');
  const results: Comparison[] = [];
  for (const file of positionals) {
    for await (const line of createInterface({ input: createReadStream(file) }))
      results.push(await comparePeer(parsePeer(line), values['package-path']));
  }
  const wrong = results.filter(({ verdict }) => verdict === 'different');
  for (const { file, reason } of wrong) console.log(`${file}\n  ${reason}`);
  const count = (verdict: Comparison['verdict']) =>
    results.filter((result) => result.verdict === verdict).length;
  console.log(
    `${results.length} files: ${count('equal')} equal, ${count('both refuse')} refused by both, ${count('explained')} explained, ${wrong.length} different`,
  );
  if (values.out !== undefined) await writeFile(values.out, report(results, values.strip));
  return wrong.length === 0 && results.length > 0 ? 0 : 1;
});
