/** What a config says of MLflow; MMEngine's names. */

import { z } from 'zod';

export interface MLflowOptions {
  /** The tracking server: `http://host:5000`. $MLFLOW_TRACKING_URI unless given. */
  readonly trackingUri?: string;
  /** Experiment, made when there is none of that name; 'Default' unless given. */
  readonly expName?: string;
  /** Name of the run; the config's `experimentName`, or that of the work directory, unless given. */
  readonly runName?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** Parameters beside those of the config. */
  readonly params?: Readonly<Record<string, string>>;
  /** Parts of the config that become parameters (`optimWrapper`, ...); all unless given. */
  readonly trackedConfigKeys?: readonly string[];
  /** Where a new experiment keeps its files, as MLflow writes it (`mlflow-artifacts:/flowers`, `s3://bucket/flowers`); the server's place unless given. */
  readonly artifactLocation?: string;
  /** Files of the work directory that are stored at the end of the run, by how their names end: log.jsonl and config.json unless given. */
  readonly artifactSuffix?: readonly string[];
}

const texts = z.record(z.string(), z.string());

export const mlflowSchema: z.ZodType<MLflowOptions> = z.strictObject({
  trackingUri: z
    .url({ protocol: /^https?$/, error: 'expected an address that begins with http:// or https://' })
    .exactOptional(),
  expName: z.string().min(1).exactOptional(),
  runName: z.string().min(1).exactOptional(),
  tags: texts.exactOptional(),
  params: texts.exactOptional(),
  trackedConfigKeys: z.array(z.string()).exactOptional(),
  artifactLocation: z.string().min(1).exactOptional(),
  artifactSuffix: z.array(z.string().min(1)).exactOptional(),
});
