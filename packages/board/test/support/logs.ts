/** Work directories with logs as a run writes them. */

import { appendFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const temporary = () => mkdtempSync(join(tmpdir(), 'omma-board-'));

const origin = Date.parse('2026-01-02T23:59:50.000Z');

export function line(time: number, content: object): string {
  return `${JSON.stringify({ time: new Date(origin + time).toISOString(), ...content })}\n`;
}

export interface StartOptions {
  readonly iteration?: number;
  readonly config?: object;
  readonly maxIterations?: number;
}

export function start({
  iteration = 0,
  config = { lr: 0.1 },
  maxIterations = 1000,
}: StartOptions = {}): string {
  const facts = { device: 'cpu', amp: 'off', parameters: 100, maxEpochs: 10, iterationsPerEpoch: 100 };
  return line(iteration * 100, { type: 'start', ...facts, maxIterations, epoch: 0, iteration, config });
}

export function iteration(step: number, loss: number, more: object = {}): string {
  const place = { epoch: 0, iteration: step, iterationInEpoch: step };
  return line(step * 100, {
    type: 'iteration',
    ...place,
    loss,
    scalars: { 'train/loss': loss, 'train/lr': 0.1, ...more },
  });
}

export function evaluation(step: number, top1: number): string {
  return line(step * 100, {
    type: 'evaluation',
    epoch: 0,
    metrics: { 'accuracy/top1': top1 },
    iteration: step,
  });
}

export function image(step: number, path: string): string {
  const facts = { name: 'val/rose/1.jpg', caption: 'rose 90 %', correct: true, width: 1, height: 1 };
  return line(step * 100, { type: 'image', iteration: step, path, ...facts });
}

export const end = (step: number) => line(step * 100, { type: 'end', reason: 'finished', iteration: step });

/** Writes a log; its folder. */
export function writeRun(root: string, name: string, ...lines: readonly (string | Uint8Array)[]): string {
  const dir = join(root, name);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'log.jsonl'), Buffer.concat(lines.map((line) => Buffer.from(line))));
  return dir;
}

export function grow(dir: string, ...lines: readonly string[]): void {
  appendFileSync(join(dir, 'log.jsonl'), lines.join(''));
}

/** `count` lines of iterations with a noisy loss that falls. */
export function iterations(count: number, from = 1): string[] {
  let state = 1;
  return Array.from({ length: count }, (_, i) => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return iteration(from + i, 2 / (1 + i / 100) + state / 4294967296);
  });
}
