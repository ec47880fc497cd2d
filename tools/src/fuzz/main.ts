/**
 * `node tools/dist/fuzz/main.js`: damaged files for every reader. Each case is a sound file with damage that knows its structure; the reader may
 * read it or refuse it in one line, and nothing else: no other exception, no hang, no more memory than the file is worth. Exit code 1 with findings.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runTool, UsageError, wholeNumber } from '../commandLine.ts';
import { campaign } from './campaign.ts';
import { caseBytes, type Finding, runCase } from './runCase.ts';
import { targets } from './targets/index.ts';

const usage = `usage: node tools/dist/fuzz/main.js [options]

  --cases N      cases in all; 10000 unless given
  --seconds S    ends after so many seconds; 3600 unless given
  --seed K       of the damage; 1 unless given
  --from N       the first case; 0 unless given
  --target NAME  a reader; may be given several times; all unless given
  --jobs J       threads; 1 unless given
  --case N       runs one case alone and prints what it does
  --out DIR      where the files of findings go; fuzz-findings unless given
  --json         the result as JSON
`;

await runTool('fuzz', usage, async (argv) => {
  const { values } = parseArgs({
    args: argv,
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
  const known = targets.map(({ name }) => name);
  const chosen = values.target ?? known;
  for (const name of chosen.filter((entry) => !known.includes(entry)))
    throw new UsageError(`--target ${name}: there is none; known are ${known.join(', ')}`);
  const seed = wholeNumber('seed', values.seed);
  if (values.case !== undefined) return alone(chosen, seed, wholeNumber('case', values.case));
  return many({
    seed,
    cases: wholeNumber('cases', values.cases),
    seconds: wholeNumber('seconds', values.seconds),
    from: wholeNumber('from', values.from),
    jobs: wholeNumber('jobs', values.jobs, 1),
    targets: chosen,
    out: values.out,
    json: values.json,
  });
});

/** Keeps the file of a finding, and says how to see it again. */
async function keep(finding: Finding, out: string): Promise<void> {
  const target = targets.find(({ name }) => name === finding.target);
  if (target === undefined) return;
  mkdirSync(out, { recursive: true });
  const path = join(out, `${finding.target}-${finding.seed}-${finding.case}.bin`);
  writeFileSync(path, await caseBytes(target, finding.seed, finding.case));
  const again = `--target ${finding.target} --seed ${finding.seed} --case ${finding.case}`;
  console.error(
    `${finding.kind}: ${finding.target}, case ${finding.case} (${path}; ${again})\n${finding.text}`,
  );
}

/** The exit code. */
async function alone(chosen: readonly string[], seed: number, number: number): Promise<number> {
  let found = false;
  for (const target of targets.filter(({ name }) => chosen.includes(name))) {
    const { outcome, finding } = await runCase(target, seed, number);
    console.log(
      `${target.name}, case ${number}: ${finding === null ? outcome : `${finding.kind}\n${finding.text}`}`,
    );
    found ||= finding !== null;
  }
  return found ? 1 : 0;
}

interface Campaign {
  readonly seed: number;
  readonly cases: number;
  readonly seconds: number;
  readonly from: number;
  readonly jobs: number;
  readonly targets: readonly string[];
  readonly out: string;
  readonly json: boolean;
}

/** The exit code. */
async function many({ out, json, ...limits }: Campaign): Promise<number> {
  const kept: Promise<void>[] = [];
  let shown = performance.now();
  const result = await campaign({
    ...limits,
    caseSeconds: 30,
    onFinding: (finding) => kept.push(keep(finding, out)),
    onProgress(cases, findings) {
      if (performance.now() - shown < 2000 || !process.stderr.isTTY) return;
      shown = performance.now();
      process.stderr.write(`\r${cases} cases, ${findings} findings`);
    },
  });
  await Promise.all(kept);
  if (process.stderr.isTTY) process.stderr.write('\r');
  const { cases, refused, findings, seconds } = result;
  if (json) console.log(JSON.stringify(result));
  else {
    const rate = (cases / seconds).toFixed(0);
    console.log(
      `${cases} cases in ${seconds.toFixed(0)} s (${rate} a second): ${refused} refused, ${cases - refused - findings} read, ${findings} findings`,
    );
  }
  return findings > 0 ? 1 : 0;
}
