/** As much of MLflow's tracking server as the backend talks to, kept in memory. The real one is stricter; see docs/logging.md. */

import { createServer, type IncomingMessage } from 'node:http';
import { z } from 'zod';

interface StubRun {
  experiment: string;
  status: string;
  readonly tags: Record<string, string>;
  readonly params: Record<string, string>;
  readonly metrics: { key: string; value: number; step: number }[];
  /** By path. */
  readonly files: Map<string, string>;
}

const pairs = z.array(z.object({ key: z.string(), value: z.string() }));
const bodySchema = z.object({
  name: z.string().optional(),
  artifact_location: z.string().optional(),
  experiment_id: z.string().optional(),
  run_id: z.string().optional(),
  status: z.string().optional(),
  tags: pairs.optional(),
  params: pairs.max(100).optional(),
  metrics: z
    .array(z.object({ key: z.string(), value: z.number(), step: z.int(), timestamp: z.int() }))
    .max(1000)
    .optional(),
});

export class MLflowStub {
  /** Answers 503 to everything. */
  failing = false;
  /** Refuses numbers of this name as MLflow refuses wrong ones. */
  refused = '';
  readonly #runs: StubRun[] = [];
  readonly #experiments: string[] = ['Default'];
  /** Where the experiments keep their files. */
  readonly #places: string[] = ['mlflow-artifacts:/0'];
  #waiting: (() => void)[] = [];
  readonly #server = createServer((request, response) => {
    void read(request).then((text) => {
      const [status, answer] = this.failing
        ? [503, { message: 'out of order' }]
        : this.#answer(request.url ?? '', text);
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer), () =>
        setTimeout(() => this.#waiting.splice(0).map((done) => done()), 20),
      );
    });
  });

  listen(): Promise<void> {
    return new Promise((done) => this.#server.listen(0, '127.0.0.1', done));
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get uri(): string {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null
      ? `http://127.0.0.1:${address.port}`
      : 'http://127.0.0.1:9';
  }

  get runs(): number {
    return this.#runs.length;
  }

  run(index: number): StubRun {
    const run = this.#runs[index];
    if (run === undefined) throw new Error(`no run ${index}`);
    return run;
  }

  /** The next answer is with the client. */
  answered(): Promise<void> {
    return new Promise((done) => this.#waiting.push(done));
  }

  #answer(url: string, text: string): [number, object] {
    const stored = /^\/api\/2\.0\/mlflow-artifacts\/artifacts\/[^/]+\/(\d+)\/artifacts\/(.+)$/.exec(url);
    if (stored !== null) {
      this.run(Number(stored[1])).files.set(decodeURIComponent(stored[2] ?? ''), text);
      return [200, {}];
    }
    const path = url.replace('/api/2.0/mlflow/', '').replace(/\?.*/, '');
    if (path === 'experiments/get-by-name') {
      const name = new URL(url, this.uri).searchParams.get('experiment_name') ?? '';
      const id = this.#experiments.indexOf(name);
      if (id < 0) return [404, { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'no such experiment' }];
      return [200, { experiment: { experiment_id: String(id) } }];
    }
    const body = bodySchema.parse(JSON.parse(text));
    const named = (list: z.infer<typeof pairs> = []) =>
      Object.fromEntries(list.map(({ key, value }) => [key, value]));
    switch (path) {
      case 'experiments/create':
        this.#places.push(body.artifact_location ?? `mlflow-artifacts:/${this.#places.length}`);
        return [200, { experiment_id: String(this.#experiments.push(body.name ?? '') - 1) }];
      case 'runs/create': {
        const experiment = this.#experiments[Number(body.experiment_id)] ?? '';
        const id =
          this.#runs.push({
            experiment,
            status: 'RUNNING',
            tags: named(body.tags),
            params: {},
            metrics: [],
            files: new Map(),
          }) - 1;
        const place = this.#places[Number(body.experiment_id)];
        return [200, { run: { info: { run_id: String(id), artifact_uri: `${place}/${id}/artifacts` } } }];
      }
      case 'runs/update':
        this.run(Number(body.run_id)).status = body.status ?? '';
        return [200, {}];
      case 'runs/log-batch': {
        const run = this.run(Number(body.run_id));
        if (body.metrics?.some(({ key }) => key === this.refused))
          return [400, { error_code: 'INVALID_PARAMETER_VALUE', message: 'wrong number' }];
        run.metrics.push(...(body.metrics ?? []));
        Object.assign(run.params, named(body.params));
        return [200, {}];
      }
      default:
        return [404, { message: `no ${path}` }];
    }
  }
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: string[] = [];
  for await (const chunk of request.setEncoding('utf8')) chunks.push(String(chunk));
  return chunks.join('');
}
