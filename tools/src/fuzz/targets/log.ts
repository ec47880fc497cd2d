/** Logs of runs as `omma board` reads them: lines that are cut, doubled, of another program. What is no line of a log is passed over. */

import { dirname } from 'node:path';
import { Run } from '@omma/board';
import type { Dice } from '../dice.ts';
import { damagedJson, type Json } from '../json.ts';
import type { Target } from '../target.ts';
import { temporaryFile } from '../temporary.ts';
import { damagedText } from '../text.ts';

const iteration = (i: number): Json => ({
  type: 'iteration',
  time: 1.7e12 + i,
  epoch: Math.floor(i / 50),
  iteration: i,
  iterationInEpoch: i % 50,
  loss: 2 / (i + 1),
  scalars: { loss: 2 / (i + 1), lr: 0.1, memory: 123456789 },
});

const lines: readonly Json[] = [
  {
    type: 'start',
    time: 1.7e12,
    epoch: 0,
    iteration: 0,
    maxEpochs: 3,
    device: 'cpu',
    config: { model: { type: 'ResNet' } },
  },
  // More than are read before a form of line is remembered.
  ...Array.from({ length: 70 }, (_, i) => iteration(i)),
  {
    type: 'evaluation',
    time: 1.8e12,
    epoch: 2,
    iteration: 70,
    metrics: { 'accuracy/top1': 50.5 },
    samples: 10,
    scalars: { 'accuracy/top1': 50.5 },
  },
  { type: 'image', time: 1.8e12, name: 'val/0', path: 'images/0.png', iteration: 70, width: 8, height: 8 },
  {
    type: 'checkpoint',
    time: 1.8e12,
    path: 'work/iter_70.safetensors',
    epoch: 2,
    iteration: 70,
    best: true,
  },
  {
    type: 'end',
    time: 1.9e12,
    reason: 'finished',
    seconds: 3,
    lastCheckpoint: null,
    bestCheckpoint: null,
    metrics: {},
  },
];

const tokens = [
  '{',
  '}',
  '"',
  ':',
  ',',
  '1e999',
  '-',
  '0'.repeat(40),
  'null',
  '\u0000',
  '\r',
  '{"type":"iteration"}\n',
  '\ud800',
];

const encode = (text: string) => new TextEncoder().encode(text);
const textOf = (all: readonly Json[]) => `${all.map((line) => JSON.stringify(line)).join('\n')}\n`;

/** The kinds of line that there are, one of them damaged as data here and there. */
function damagedLines(dice: Dice): string {
  const share = dice.chance(0.5) ? 0.02 : 0.3;
  return textOf(lines.map((line) => (dice.chance(share) ? damagedJson(line, dice) : line)));
}

export const log: Target = {
  name: 'log',
  seeds: async () => [encode(textOf(lines))],
  damage(seed, dice) {
    const text = dice.chance(0.7) ? damagedLines(dice) : new TextDecoder().decode(seed);
    return encode(dice.chance(0.6) ? damagedText(text, dice, tokens) : text);
  },
  async run(bytes) {
    const run = new Run(dirname(await temporaryFile('run/log.jsonl', bytes)), 'run');
    await run.update();
    JSON.stringify(run.state);
  },
};
