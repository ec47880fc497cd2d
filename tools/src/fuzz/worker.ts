/** The thread in which cases run: it may hang or run out of memory, and the program notices and starts another. */

import { parentPort, workerData } from 'node:worker_threads';
import { type Finding, runCase } from './runCase.ts';
import { targets } from './targets/index.ts';
import { finished, type WorkerReport, type WorkerTask } from './workerTask.ts';

/** Cases between two reports. */
const interval = 200;

async function work({ seed, targets: names, from, to, step, current }: WorkerTask): Promise<void> {
  const chosen = names.map((name) => {
    const target = targets.find((entry) => entry.name === name);
    if (target === undefined) throw new Error(`no target ${name}`);
    return target;
  });
  const place = new Int32Array(current);
  let [cases, refused] = [0, 0];
  const report = (finding: Finding | null) => {
    const message: WorkerReport = { cases, refused, finding };
    parentPort?.postMessage(message);
    [cases, refused] = [0, 0];
  };
  for (let number = from; number < to; number += step) {
    const target = chosen[Math.floor(number / step) % chosen.length];
    if (target === undefined) break;
    Atomics.store(place, 0, number);
    const { outcome, finding } = await runCase(target, seed, number);
    cases++;
    if (outcome === 'refused' && finding === null) refused++;
    if (finding !== null || cases >= interval) report(finding);
  }
  report(null);
  Atomics.store(place, 0, finished);
}

function isTask(value: unknown): value is WorkerTask {
  return typeof value === 'object' && value !== null && 'current' in value;
}

if (!isTask(workerData)) throw new Error('the worker was started without a task');
await work(workerData);
