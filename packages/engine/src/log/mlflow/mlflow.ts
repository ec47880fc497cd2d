/**
 * Metrics, parameters, pictures and log files to an MLflow tracking server.
 *
 * The run begins with a connection, so that a wrong address ends it at once. After that training never waits for the server: what it does
 * not take is kept, up to a limit, and sent with the next flush; the user is warned once an outage. A resumed run goes on with its MLflow run.
 */

import { openAsBlob } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { OmmaError } from '@omma/core';
import { codeOf, writeAtomically } from '@omma/storage';
import { z } from 'zod';
import type { LogEntry, LoggedImage, RunOutcome, VisBackend, VisContext } from '../backend.ts';
import { visDataDir } from '../backend.ts';
import { writingLog } from '../files.ts';
import { MLflowClient, MLflowError, type MLflowMetric, type MLflowPairs } from './client.ts';
import type { MLflowOptions } from './options.ts';
import { flatParams } from './params.ts';

const metricsPerCall = 1000;
const paramsPerCall = 100;
/** Metrics and pictures kept while the server does not answer. */
const mostKept = { metrics: 100_000, images: 200 };
/** Files of the work directory that are stored at the end: those that Omma's logs are in. */
const defaultSuffix = ['.json', '.jsonl'];
/** Pauses before the tries at the end of a run, in milliseconds. */
const lastTries = [0, 1000, 3000];

const savedSchema = z.object({ trackingUri: z.string(), runId: z.string(), artifacts: z.string() });
type SavedRun = z.infer<typeof savedSchema>;

export class MLflowVisBackend implements VisBackend {
  readonly #options: MLflowOptions;
  readonly #context: VisContext;
  readonly #uri: string;
  readonly #client: MLflowClient;
  #start: { readonly time: number; readonly resumed: boolean } | null = null;
  #run: SavedRun | null = null;
  #metrics: MLflowMetric[] = [];
  #images: LoggedImage[] = [];
  #sending: Promise<void> | null = null;
  #warned = false;
  /** Whether it was told that the server refuses some numbers. */
  #leftOut = false;
  #dropped = 0;

  constructor(options: MLflowOptions, context: VisContext) {
    const uri = options.trackingUri ?? process.env.MLFLOW_TRACKING_URI;
    if (uri === undefined || !/^https?:\/\//.test(uri)) {
      throw new OmmaError(
        `MLflowVisBackend: ${uri === undefined ? 'has no tracking server' : `${uri} is not the address of a server`}; give it trackingUri ('http://127.0.0.1:5000') or set MLFLOW_TRACKING_URI`,
      );
    }
    this.#options = options;
    this.#context = context;
    this.#uri = uri;
    this.#client = new MLflowClient(uri);
  }

  add({ time, step, event, scalars }: LogEntry): void {
    if (event.type === 'start') this.#start = { time, resumed: event.iteration > 0 };
    for (const [name, value] of Object.entries(scalars)) {
      // What MLflow allows in names.
      const key = name.replace(/[^\w\-. :/]/g, '_');
      this.#metrics.push({ key, value, timestamp: time, step });
    }
  }

  addImage(image: LoggedImage): void {
    this.#images.push(image);
  }

  async flush(): Promise<void> {
    if (this.#start !== null) {
      const start = this.#start;
      this.#start = null;
      await this.#connect(start.time, start.resumed);
    }
    if (this.#run === null || this.#sending !== null) return;
    this.#sending = this.#sendNoted(this.#run)
      .catch((error: unknown) => this.#outage(error))
      .finally(() => {
        this.#sending = null;
      });
  }

  async close({ status }: RunOutcome): Promise<void> {
    const run = this.#run;
    if (run === null) return;
    const end = {
      finished: 'FINISHED',
      stopped: 'FINISHED',
      interrupted: 'KILLED',
      failed: 'FAILED',
    } as const;
    let reason = '';
    for (const pause of lastTries) {
      await new Promise((done) => setTimeout(done, pause));
      await this.#sending;
      try {
        await this.#sendNoted(run);
        await this.#sendFiles(run);
        await this.#client.updateRun(run.runId, end[status], Date.now());
        return;
      } catch (error) {
        if (!(error instanceof MLflowError)) throw error;
        reason = error.message;
      }
    }
    this.#context.warn(
      `${reason}; ${this.#metrics.length} numbers and ${this.#images.length} pictures did not get there (they are in log.jsonl)`,
    );
  }

  /** The run that a resumed run goes on in; null, with a word where there should have been one, for none. */
  async #saved(path: string): Promise<SavedRun | null> {
    try {
      return savedSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    } catch (error) {
      if (codeOf(error) !== 'ENOENT')
        this.#context.warn(`${path}: does not say which MLflow run to go on with; a new run is begun`);
      return null;
    }
  }

  async #connect(time: number, resumed: boolean): Promise<void> {
    const path = join(visDataDir(this.#context.workDir), 'mlflow.json');
    const saved = resumed ? await this.#saved(path) : null;
    try {
      if (saved !== null && saved.trackingUri === this.#uri) {
        await this.#client.updateRun(saved.runId, 'RUNNING');
        this.#run = saved;
        return;
      }
      this.#run = await this.#create(time);
    } catch (error) {
      if (!(error instanceof MLflowError)) throw error;
      throw new OmmaError(`${error.message}; start the server, or take MLflowVisBackend out of the config`);
    }
    const text = new TextEncoder().encode(`${JSON.stringify(this.#run)}\n`);
    await writingLog(path, () => writeAtomically(path, [text]));
  }

  async #create(time: number): Promise<SavedRun> {
    const { expName = 'Default', runName, tags = {}, params = {}, trackedConfigKeys } = this.#options;
    const { config, workDir } = this.#context;
    const experiment = await this.#client.experiment(expName, this.#options.artifactLocation);
    const name = runName ?? config.experimentName ?? basename(resolve(workDir));
    const { id, artifacts } = await this.#client.createRun(experiment, name, time, pairs(tags));
    if (!isServed(artifacts))
      this.#context.warn(
        `MLflow keeps the files of this experiment at ${artifacts}, which its server does not write to itself; pictures and log files stay in ${workDir} (start the server with --artifacts-destination, or give artifactLocation 'mlflow-artifacts:/...')`,
      );
    const tracked = Object.entries(config).filter(([key]) => trackedConfigKeys?.includes(key) ?? true);
    const all = pairs({ ...flatParams(Object.fromEntries(tracked)), ...params });
    for (let from = 0; from < all.length; from += paramsPerCall)
      await this.#client.logBatch(id, [], all.slice(from, from + paramsPerCall));
    return { trackingUri: this.#uri, runId: id, artifacts };
  }

  /** Sends what is noted, oldest first; what was sent is forgotten call by call. */
  async #sendNoted({ runId, artifacts }: SavedRun): Promise<void> {
    while (this.#metrics.length > 0) {
      const batch = this.#metrics.slice(0, metricsPerCall);
      await this.#client
        .logBatch(runId, batch)
        .catch((error: unknown) => this.#leaveOut(error, `${batch.length} numbers`));
      this.#metrics = this.#metrics.slice(batch.length);
    }
    if (!isServed(artifacts)) this.#images = [];
    for (let image = this.#images[0]; image !== undefined; image = this.#images[0]) {
      const file = `${image.name.replaceAll(/[^\w.-]+/g, '_')}_${image.step}.${image.format}`;
      await this.#client.putArtifact(artifacts, `vis_image/${file}`, new Blob([new Uint8Array(image.bytes)]));
      this.#images = this.#images.filter((other) => other !== image);
    }
    this.#warned = false;
  }

  /** The log and the config, which are whole by now: the work directory's own backend is closed before all others. */
  async #sendFiles({ artifacts }: SavedRun): Promise<void> {
    const { workDir } = this.#context;
    const suffixes = this.#options.artifactSuffix ?? defaultSuffix;
    if (!isServed(artifacts)) return;
    for (const entry of await readdir(workDir, { withFileTypes: true })) {
      if (!entry.isFile() || !suffixes.some((suffix) => entry.name.endsWith(suffix))) continue;
      await this.#client.putArtifact(artifacts, entry.name, await openAsBlob(join(workDir, entry.name)));
    }
  }

  /** What the server calls wrong is left out: it would be refused again, and nothing behind it would ever be sent. */
  #leaveOut(error: unknown, what: string): void {
    if (!(error instanceof MLflowError) || error.status !== 400) throw error;
    if (!this.#leftOut) this.#context.warn(`${error.message}; ${what} are left out (they are in log.jsonl)`);
    this.#leftOut = true;
  }

  #outage(error: unknown): void {
    const overflow = Math.max(0, this.#metrics.length - mostKept.metrics);
    this.#metrics = this.#metrics.slice(overflow);
    this.#images = this.#images.slice(-mostKept.images);
    this.#dropped += overflow;
    if (this.#warned) return;
    this.#warned = true;
    const message = error instanceof Error ? error.message : String(error);
    const lost = this.#dropped > 0 ? `, ${this.#dropped} numbers are lost to it` : '';
    this.#context.warn(`${message}; training goes on and tries again${lost}`);
  }
}

/** Whether the server stores files for its clients; elsewhere a client would need the store's own keys. */
function isServed(artifacts: string): boolean {
  return artifacts.startsWith('mlflow-artifacts:');
}

function pairs(record: Readonly<Record<string, string>>): MLflowPairs {
  return Object.entries(record).map(([key, value]) => ({ key, value }));
}
