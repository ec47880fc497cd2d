/** Runs many cases in worker threads, and notices what a case does to its thread: hanging, exhausting memory, ending it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Finding } from './runCase.ts';
import { finished, notStarted, type WorkerReport, type WorkerTask } from './workerTask.ts';

export interface CampaignOptions {
  readonly seed: number;
  readonly cases: number;
  readonly seconds: number;
  readonly jobs: number;
  readonly targets: readonly string[];
  /** First case. */
  readonly from: number;
  /** A case that computes for longer hangs; so does one that waits for `waitingSeconds`. */
  readonly caseSeconds: number;
  onProgress(cases: number, findings: number): void;
  onFinding(finding: Finding): void;
}

export interface CampaignResult {
  readonly cases: number;
  readonly refused: number;
  readonly findings: number;
  readonly seconds: number;
}

/** Heap of a worker; array buffers are judged case by case. */
const heapMegabytes = 512;
/** A machine with other work gives a case no time for long: only what is computed counts, unless this has passed. */
const waitingSeconds = 900;
/** Milliseconds between two looks at the workers. */
const lookInterval = 250;

export async function campaign(options: CampaignOptions): Promise<CampaignResult> {
  const started = performance.now();
  const totals = { cases: 0, refused: 0, findings: 0 };
  const found = (finding: Finding) => {
    totals.findings++;
    options.onFinding(finding);
  };
  const counted = ({ cases, refused, finding }: WorkerReport) => {
    totals.cases += cases;
    totals.refused += refused;
    if (finding !== null) found(finding);
    options.onProgress(totals.cases, totals.findings);
  };
  const seconds = () => (performance.now() - started) / 1000;
  const left = () => options.seconds - seconds();
  const job = async (index: number) => {
    let next = options.from + index;
    const end = options.from + options.cases;
    while (next < end && left() > 0) {
      const stopped = await oneWorker(options, next, end, left(), counted);
      if (stopped === null) return;
      found(stopped);
      totals.cases++;
      next = stopped.case + options.jobs;
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, (_, index) => job(index)));
  return { ...totals, seconds: seconds() };
}

/** Of the process, all threads together. */
function computedSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Runs cases until they are all done or the time is over (null), or one takes the worker down. */
function oneWorker(
  options: CampaignOptions,
  from: number,
  to: number,
  seconds: number,
  counted: (report: WorkerReport) => void,
): Promise<Finding | null> {
  const current = new SharedArrayBuffer(4);
  const place = new Int32Array(current);
  // Loading the readers takes its time, which is no case's.
  place[0] = notStarted;
  const { seed, targets, jobs, caseSeconds } = options;
  const task: WorkerTask = { seed, targets, from, to, step: jobs, current };
  // Threads that are ended from here throw nothing away.
  const folder = mkdtempSync(join(tmpdir(), 'omma-fuzz-'));
  return new Promise((resolve) => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: task,
      env: { ...process.env, TMPDIR: folder },
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
    });
    const started = performance.now();
    let last = { number: notStarted, since: performance.now(), computed: computedSeconds() };
    const end = (kind: Finding['kind'] | null, text: string) => {
      clearInterval(looking);
      void worker.terminate();
      const number = Math.max(from, Atomics.load(place, 0));
      const target = targets[Math.floor(number / jobs) % targets.length] ?? '';
      resolve(kind === null ? null : { target, seed, case: number, kind, text });
    };
    const looking = setInterval(() => {
      const now = performance.now();
      const number = Atomics.load(place, 0);
      if (number !== last.number) last = { number, since: now, computed: computedSeconds() };
      else if (number >= 0) {
        // The process computes for all of its threads.
        const computed = (computedSeconds() - last.computed) / jobs;
        if (computed > caseSeconds) end('hang', `more than ${caseSeconds} s of computing`);
        else if (now - last.since > waitingSeconds * 1000) end('hang', `more than ${waitingSeconds} s`);
      }
      if (now - started > seconds * 1000) end(null, '');
    }, lookInterval);
    worker.on('message', counted);
    worker.on('error', (error: Error & { code?: string }) => {
      const memory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      end(memory ? 'memory' : 'crash', error.stack ?? error.message);
    });
    worker.on('exit', () => {
      rmSync(folder, { recursive: true, force: true });
      const done = Atomics.load(place, 0) === finished;
      end(
        done ? null : 'crash',
        'the thread ended in the middle of a case, which waits for what never comes',
      );
    });
  });
}
