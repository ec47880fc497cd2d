/** MLflow's tracking REST API, as much of it as a run needs: https://mlflow.org/docs/latest/rest-api.html */

import { OmmaError, toJsonNumber } from '@omma/core';
import { z } from 'zod';

export interface MLflowMetric {
  readonly key: string;
  readonly value: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly step: number;
}

/** Key and value, as the API wants tags and parameters. */
export type MLflowPairs = readonly { readonly key: string; readonly value: string }[];

export type MLflowStatus = 'RUNNING' | 'FINISHED' | 'FAILED' | 'KILLED';

/** A request that failed: `status` is null where no answer came. */
export class MLflowError extends OmmaError {
  readonly status: number | null;
  readonly errorCode: string | null;

  constructor(message: string, status: number | null, errorCode: string | null) {
    super(message);
    this.status = status;
    this.errorCode = errorCode;
  }
}

const timeoutMs = 10_000;
/** Bytes a millisecond; a slower upload is given up. */
const slowestUpload = 1000;

export class MLflowClient {
  readonly #uri: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** Credentials come from the variables that MLflow's own clients read. */
  constructor(uri: string, environment: Readonly<Record<string, string | undefined>> = process.env) {
    this.#uri = uri.replace(/\/+$/, '');
    const { MLFLOW_TRACKING_TOKEN: token, MLFLOW_TRACKING_USERNAME: user } = environment;
    const basic = Buffer.from(`${user ?? ''}:${environment.MLFLOW_TRACKING_PASSWORD ?? ''}`).toString(
      'base64',
    );
    this.#headers =
      token !== undefined
        ? { authorization: `Bearer ${token}` }
        : user !== undefined
          ? { authorization: `Basic ${basic}` }
          : {};
  }

  /** The id of the experiment of this name, which is made when there is none; `artifactLocation` is where that keeps its files. */
  async experiment(name: string, artifactLocation?: string): Promise<string> {
    try {
      const query = `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`;
      const found = await this.#call('GET', query, null, experimentSchema);
      return found.experiment.experiment_id;
    } catch (error) {
      if (!(error instanceof MLflowError) || error.errorCode !== 'RESOURCE_DOES_NOT_EXIST') throw error;
    }
    const body = { name, artifact_location: artifactLocation };
    return (await this.#call('POST', 'experiments/create', body, createdSchema)).experiment_id;
  }

  /** A new run: its id, and where its artifacts go. */
  async createRun(
    experiment: string,
    name: string,
    startTime: number,
    tags: MLflowPairs,
  ): Promise<{ id: string; artifacts: string }> {
    const body = { experiment_id: experiment, run_name: name, start_time: startTime, tags };
    const { run } = await this.#call('POST', 'runs/create', body, runSchema);
    return { id: run.info.run_id, artifacts: run.info.artifact_uri };
  }

  async updateRun(id: string, status: MLflowStatus, endTime?: number): Promise<void> {
    await this.#call('POST', 'runs/update', { run_id: id, status, end_time: endTime }, z.unknown());
  }

  /** At most 1000 metrics and 100 parameters a call. */
  async logBatch(id: string, metrics: readonly MLflowMetric[], params: MLflowPairs = []): Promise<void> {
    // What JSON has no words for, MLflow takes as text.
    const written = metrics.map((metric) => ({ ...metric, value: toJsonNumber(metric.value) }));
    await this.#call('POST', 'runs/log-batch', { run_id: id, metrics: written, params }, z.unknown());
  }

  /** Stores a file through the server; `artifacts` is what `createRun` gave and must begin with `mlflow-artifacts:`. */
  async putArtifact(artifacts: string, path: string, content: Blob): Promise<void> {
    const folder = artifacts.replace(/^mlflow-artifacts:\/*/, '');
    const escaped = `${folder}/${path}`.split('/').map(encodeURIComponent).join('/');
    await this.#send('PUT', `mlflow-artifacts/artifacts/${escaped}`, content);
  }

  async #call<T>(method: string, path: string, body: unknown, schema: z.ZodType<T>): Promise<T> {
    const text = await this.#send(method, `mlflow/${path}`, body === null ? null : JSON.stringify(body));
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw new MLflowError(
      `MLflow at ${this.#uri}: ${path} answered something else than expected`,
      null,
      null,
    );
  }

  async #send(method: string, path: string, body: string | Blob | null): Promise<string> {
    const json: Record<string, string> =
      typeof body === 'string' ? { 'content-type': 'application/json' } : {};
    const url = `${this.#uri}/api/2.0/${path}`;
    const files = body instanceof Blob ? body.size / slowestUpload : 0;
    const signal = AbortSignal.timeout(Math.ceil(timeoutMs + files));
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, { method, headers: { ...this.#headers, ...json }, body, signal });
      text = await response.text();
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new MLflowError(`MLflow at ${this.#uri} cannot be reached (${reason})`, null, null);
    }
    if (response.ok) return text;
    const { error_code: code = null, message = text.slice(0, 200) } = errorSchema
      .catch({})
      .parse(parseJson(text));
    throw new MLflowError(`MLflow at ${this.#uri}: ${response.status} ${message}`, response.status, code);
  }
}

const experimentSchema = z.object({ experiment: z.object({ experiment_id: z.string() }) });
const createdSchema = z.object({ experiment_id: z.string() });
const runSchema = z.object({
  run: z.object({ info: z.object({ run_id: z.string(), artifact_uri: z.string() }) }),
});
const errorSchema = z.object({ error_code: z.string().optional(), message: z.string().optional() });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
