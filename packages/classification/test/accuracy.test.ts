import { hostTensor } from '@omma/core';
import type { Batch } from '@omma/engine';
import { describe, expect, it } from 'vitest';
import { Accuracy } from '../src/index.ts';

/** Three samples of three classes and one row of padding. */
const scores = hostTensor(
  [4, 3],
  'float32',
  Float32Array.of(0.7, 0.2, 0.1, 0.5, 0.4, 0.1, 0.2, 0.3, 0.5, 1, 0, 0),
);
const batch: Batch = {
  inputs: { label: hostTensor([4], 'int32', Int32Array.of(0, 1, 0, 2)) },
  count: 3,
  indices: [0, 1, 2, 0],
  skipped: [],
};

describe('Accuracy', () => {
  it('counts a sample when its class is among the k best, padding never', () => {
    const metric = new Accuracy({ topk: [1, 2, 3, 5] });
    metric.update({ probabilities: scores }, batch);
    expect(metric.compute()).toEqual({
      'accuracy/top1': 100 / 3,
      'accuracy/top2': 200 / 3,
      'accuracy/top3': 100,
    });
  });

  it('keeps a confusion matrix: a row a true class, a column a prediction', () => {
    const metric = new Accuracy();
    metric.update({ probabilities: scores }, batch);
    expect(metric.details()).toEqual({
      confusionMatrix: [
        [1, 0, 1],
        [1, 0, 0],
        [0, 0, 0],
      ],
    });
  });

  it('adds up over batches and starts anew', () => {
    const metric = new Accuracy({ topk: [1] });
    metric.update({ logits: scores }, batch);
    metric.update({ logits: scores }, { ...batch, count: 1 });
    expect(metric.compute()).toEqual({ 'accuracy/top1': 50 });
    metric.reset();
    metric.update({ logits: scores }, { ...batch, count: 1 });
    expect(metric.compute()).toEqual({ 'accuracy/top1': 100 });
  });

  it('does not count scores that are not numbers', () => {
    const metric = new Accuracy({ topk: [1] });
    metric.update({ logits: hostTensor([4, 3], 'float32', new Float32Array(12).fill(Number.NaN)) }, batch);
    expect(metric.compute()).toEqual({ 'accuracy/top1': 0 });
  });
});
