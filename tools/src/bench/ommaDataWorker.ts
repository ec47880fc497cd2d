/**
 * Our side of the data pipeline: a program that the benchmark starts with the job as its argument. What it does is what a training run does: one worker thread
 * decodes, the device normalises. The clock is processor time, of all threads.
 */

import '@omma/cpu';
import { compile, device, Variable } from '@omma/core';
import { ImageFolder } from '@omma/cv';
import { BatchLoader } from '@omma/engine';
import { parseDataJob } from './dataJob.ts';
import { buildNetwork } from './network.ts';
import { type Prepared, serve } from './serve.ts';

await serve(() => prepare(process.argv[2]));

async function prepare(argument: string | undefined): Promise<Prepared> {
  const { root, size, batch, batches } = parseDataJob(argument);
  const dataset = new ImageFolder({
    root,
    split: 'train',
    transforms: [{ type: 'RandomResizedCrop', size }, { type: 'RandomFlip' }],
    // The peer decodes every picture anew, so we do.
    cacheBytes: 0,
  });
  const loader = new BatchLoader(dataset, {
    batchSize: batch,
    training: true,
    seed: 0,
    numWorkers: 1,
    numBatchPerEpoch: batches,
  });
  const classifier = buildNetwork('resnet18');
  // Where a training step would read them: in the device's memory.
  const normalised = new Variable('normalised', { shape: [batch, 3, size, size], dtype: 'float32' });
  const normalise = compile(
    ({ image, label }) => {
      normalised.write(classifier.preprocess(required(image)));
      return { label: required(label) };
    },
    { device: device('cpu'), name: 'normalise' },
  );
  let epoch = 0;
  const step = async () => {
    for await (const batch of loader.epoch(epoch++)) {
      await normalise(batch.inputs);
      loader.recycle(batch);
    }
  };
  return { label: 'Omma', detail: '', prepareMs: null, step, clock: processorTime };
}

/** Milliseconds of processor time that this process has used. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('bench: the batch has no image');
  return value;
}
