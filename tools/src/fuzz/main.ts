/**
 * `node tools/dist/fuzz/main.js`: damaged files for every reader. Each case is a sound file with damage that knows its structure; the reader may
 * read it or refuse it in one line, and nothing else: no other exception, no hang, no more memory than the file is worth.
 *
 * `--cases N` and `--seconds S` say how long; `--seed K` and `--from N` which cases; `--target NAME` (repeat for more) which readers; `--jobs J` in how
 * many threads. `--case N` runs one case alone and prints what it does; `--out DIR` is where the files of findings go. Exit code 1 with findings.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { campaign } from './campaign.ts';
import { caseBytes, type Finding, runCase } from './runCase.ts';
import { targets } from './targets/index.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '3600' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    jobs: { type: 'string', default: '1' },
    case: { type: 'string' },
    target: { type: 'string', multiple: true },
    out: { type: 'string', default: 'fuzz-findings' },
    json: { type: 'boolean', default: false },
  },
});

function whole(name: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  console.error(`--${name}: expected is a whole number, found ${text}`);
  process.exit(2);
}

const known = targets.map(({ name }) => name);
const chosen = values.target ?? known;
for (const name of chosen.filter((entry) => !known.includes(entry))) {
  console.error(`--target ${name}: there is none; known are ${known.join(', ')}`);
  process.exit(2);
}
const seed = whole('seed', values.seed);

/** Keeps the file of a finding, and says how to see it again. */
async function keep(finding: Finding): Promise<void> {
  const target = targets.find(({ name }) => name === finding.target);
  if (target === undefined) return;
  mkdirSync(values.out, { recursive: true });
  const path = join(values.out, `${finding.target}-${finding.seed}-${finding.case}.bin`);
  writeFileSync(path, await caseBytes(target, finding.seed, finding.case));
  const again = `--target ${finding.target} --seed ${finding.seed} --case ${finding.case}`;
  console.error(
    `${finding.kind}: ${finding.target}, case ${finding.case} (${path}; ${again})\n${finding.text}`,
  );
}

async function alone(number: number): Promise<void> {
  for (const target of targets.filter(({ name }) => chosen.includes(name))) {
    const { outcome, finding } = await runCase(target, seed, number);
    console.log(
      `${target.name}, case ${number}: ${finding === null ? outcome : `${finding.kind}\n${finding.text}`}`,
    );
    if (finding !== null) process.exitCode = 1;
  }
}

async function many(): Promise<void> {
  const kept: Promise<void>[] = [];
  let shown = performance.now();
  const result = await campaign({
    seed,
    cases: whole('cases', values.cases),
    seconds: whole('seconds', values.seconds),
    from: whole('from', values.from),
    jobs: Math.max(1, whole('jobs', values.jobs)),
    targets: chosen,
    caseSeconds: 30,
    onFinding: (finding) => kept.push(keep(finding)),
    onProgress(cases, findings) {
      if (performance.now() - shown < 2000 || !process.stderr.isTTY) return;
      shown = performance.now();
      process.stderr.write(`\r${cases} cases, ${findings} findings`);
    },
  });
  await Promise.all(kept);
  if (process.stderr.isTTY) process.stderr.write('\r');
  const { cases, refused, findings, seconds } = result;
  if (values.json) console.log(JSON.stringify(result));
  else {
    const rate = (cases / seconds).toFixed(0);
    console.log(
      `${cases} cases in ${seconds.toFixed(0)} s (${rate} a second): ${refused} refused, ${cases - refused - findings} read, ${findings} findings`,
    );
  }
  if (findings > 0) process.exitCode = 1;
}

await (values.case === undefined ? many() : alone(whole('case', values.case)));
