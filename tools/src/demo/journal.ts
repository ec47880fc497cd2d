/** Keeps what a training run told, for the page: the loss of every step, the accuracy of every epoch, and the numbers of the header. */

import type { RunnerEvent, StartEvent } from '@omma/engine';

export interface LossPoint {
  readonly iteration: number;
  readonly loss: number;
  readonly smoothed: number;
}

export interface AccuracyPoint {
  readonly epoch: number;
  readonly accuracy: number;
}

export class Journal {
  readonly losses: LossPoint[] = [];
  readonly accuracies: AccuracyPoint[] = [];
  start: StartEvent | null = null;
  /** Pictures a second of the last epoch. */
  rate = 0;
  #smoothed: number | null = null;

  add(event: RunnerEvent): void {
    if (event.type === 'start') this.start = event;
    if (event.type === 'epoch') this.rate = event.imagesPerSecond;
    if (event.type === 'iteration') {
      this.#smoothed = this.#smoothed === null ? event.loss : 0.92 * this.#smoothed + 0.08 * event.loss;
      this.losses.push({ iteration: event.iteration, loss: event.loss, smoothed: this.#smoothed });
    }
    const accuracy = event.type === 'evaluation' ? event.metrics['accuracy/top1'] : undefined;
    if (event.type === 'evaluation' && event.epoch !== null && accuracy !== undefined) {
      this.accuracies.push({ epoch: event.epoch + 1, accuracy });
    }
  }
}
