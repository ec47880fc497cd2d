/**
 * A worker thread of the data loader: opens data sets and loads batches, one at a time, as it is told.
 *
 * A batch is written into arrays of this thread, new ones or those of an earlier batch, which then change their owner: nothing is copied, and no
 * two threads ever see the same bytes. (Node's addon interface takes no arrays in shared memory, so devices could not read those without a copy.)
 */

import { parentPort } from 'node:worker_threads';
import { OmmaError, StoreError } from '@omma/core';
import { type BatchRequest, loadBatch } from '../batch.ts';
import { memoryOf } from '../batchArrays.ts';
import { buildCollate, type NamedCollate } from '../collate/build.ts';
import { openSource } from '../source.ts';
import type { Dataset } from '../types.ts';
import type { BatchSource, FromThread, ToThread } from './messages.ts';

const port = parentPort;
if (port === null) throw new Error('thread.ts is started by WorkerPool');

interface Opened {
  readonly dataset: Dataset;
  readonly collate: NamedCollate;
}

const open = new Map<number, Promise<Opened>>();

port.on('message', (message: ToThread) => {
  switch (message.type) {
    case 'open': {
      const opened = openBatches(message.source);
      // A failure is the answer to the first `load`.
      opened.catch(() => undefined);
      open.set(message.dataset, opened);
      return;
    }
    case 'close':
      open.delete(message.dataset);
      return;
    case 'load':
      void answer(message.dataset, message.request);
      return;
    case 'stop':
      port.close();
  }
});

/** The data set first: what it imports may be what the collate is registered by. */
async function openBatches({ source, collate }: BatchSource): Promise<Opened> {
  const dataset = await openSource(source);
  return { dataset, collate: buildCollate(collate) };
}

async function answer(number: number, request: BatchRequest): Promise<void> {
  try {
    const opened = await open.get(number);
    if (opened === undefined) throw new Error(`no data set ${number} is open`);
    const batch = await loadBatch(opened.dataset, request, opened.collate);
    say({ type: 'batch', batch }, memoryOf(batch));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // Of a user's mistake the message says it all.
    const kind = error instanceof StoreError ? 'store' : error instanceof OmmaError ? 'omma' : 'defect';
    const stack = error instanceof Error && kind === 'defect' ? stackOf(error) : null;
    say({ type: 'failed', message, error: kind, stack }, []);
  }
}

function say(message: FromThread, handedOver: readonly ArrayBuffer[]): void {
  port?.postMessage(message, handedOver);
}

function stackOf(error: Error): string | null {
  return error.cause instanceof Error ? (error.cause.stack ?? null) : (error.stack ?? null);
}
