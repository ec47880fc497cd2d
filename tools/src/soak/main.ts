/**
 * `node tools/dist/soak/main.js`: does memory grow? Trains a tiny network as long as it is told to, with worker threads that decode pictures, averaged weights,
 * checkpoints, evaluations, and all logs that are files, and says what the process held in the first, the middle and the last third, and how much
 * more it holds after every 100,000 steps.
 */

import { parseArgs } from 'node:util';
import '@omma/classification';
import '@omma/cpu';
import { runTool, wholeNumber } from '../commandLine.ts';
import { growthOf, type MemoryKind, type MemorySample } from './growth.ts';
import { MemoryWatch } from './memoryWatch.ts';
import { soak } from './soak.ts';

const usage = `usage: node tools/dist/soak/main.js [options]

  --minutes N    how long to train; 20 unless given
  --steps N      ends after so many steps if they come first; 1000000 unless given
  --every N      steps between two looks at the memory; 1000 unless given
  --workers N    threads that load; 1 unless given
  --device NAME  cpu unless given
  --json         one JSON object: samples, and growth of each kind of memory
`;

const kinds: readonly MemoryKind[] = ['rss', 'own', 'heap', 'external'];

await runTool('soak', usage, async (argv) => {
  const { values } = parseArgs({
    args: argv,
    options: {
      minutes: { type: 'string', default: '20' },
      steps: { type: 'string', default: '1000000' },
      every: { type: 'string', default: '1000' },
      workers: { type: 'string', default: '1' },
      device: { type: 'string', default: 'cpu' },
      json: { type: 'boolean', default: false },
    },
  });
  const watch = new MemoryWatch({
    every: wholeNumber('every', values.every, 1),
    seconds: 60 * wholeNumber('minutes', values.minutes, 1),
    onSample: (sample) => process.stderr.write(`${lineOf(sample)}\n`),
  });
  // The network is far too small for two threads to share it.
  process.env.OMMA_NUM_THREADS ??= '1';
  const workers = wholeNumber('workers', values.workers);
  await soak({ workers, steps: wholeNumber('steps', values.steps, 1), device: values.device }, watch);
  process.stdout.write(values.json ? `${JSON.stringify(reportOf(watch.samples))}\n` : tableOf(watch.samples));
  return 0;
});

function lineOf({ step, seconds, rss, own, heap, external, files }: MemorySample): string {
  const mb = (value: number) => `${value.toFixed(1)} MB`;
  return `step ${step} (${seconds.toFixed(0)} s): resident ${mb(rss)}, own ${mb(own)}, heap ${mb(heap)}, external ${mb(external)}, ${files ?? '?'} files`;
}

function reportOf(samples: readonly MemorySample[]) {
  return { samples, growth: Object.fromEntries(kinds.map((kind) => [kind, growthOf(samples, kind)])) };
}

function tableOf(samples: readonly MemorySample[]): string {
  const last = samples.at(-1);
  const rows = kinds.flatMap((kind) => {
    const growth = growthOf(samples, kind);
    if (growth === null) return [];
    const cells = [...growth.thirds, growth.slope].map((value) => value.toFixed(1).padStart(14));
    return [`${kind.padEnd(8)}${cells.join('')}`];
  });
  if (last === undefined || rows.length === 0)
    return 'too few samples: give more minutes, or a smaller --every\n';
  const heading = `MB      ${['first third', 'middle', 'last third', 'per 100k steps'].map((text) => text.padStart(14)).join('')}`;
  return `${last.step} steps in ${last.seconds.toFixed(0)} s\n${[heading, ...rows].join('\n')}\n`;
}
