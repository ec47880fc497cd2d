/** What a terminal is told of a run, by level and with as many digits as the config says. */

import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import type { EpochEvent, IterationEvent, RunnerEvent, RunnerListener } from '@omma/engine';
import { describe, expect, it } from 'vitest';
import { type ReportConfig, trainingReport, warningReport } from '../src/terminal/trainingReport.ts';

const step = (iteration: number): IterationEvent => ({
  type: 'iteration',
  epoch: 0,
  iterationInEpoch: iteration,
  iterationsPerEpoch: 20,
  iteration,
  iterationsTotal: 20,
  loss: 1,
  smoothedLoss: 1.23456789,
  scalars: { gradNorm: 123.456789 },
  lr: 0.00012345,
  seconds: 0.1,
  dataSeconds: 0,
  imagesPerSecond: 80,
  secondsLeft: 65,
  dataWaitShare: 0.01,
});

const epoch: EpochEvent = {
  type: 'epoch',
  epoch: 0,
  seconds: 2,
  meanLoss: 1.23456789,
  imagesPerSecond: 80,
  dataWaitShare: 0.01,
  skipped: [],
};

const events: RunnerEvent[] = [
  step(5),
  step(10),
  epoch,
  { type: 'warning', message: 'a picture is damaged' },
];

function told(
  config: ReportConfig,
  report: (output: PassThrough, config: ReportConfig) => RunnerListener = trainingReport,
  heard = events,
): string[] {
  const output = new PassThrough();
  const listen = report(output, config);
  for (const event of heard) listen(event);
  // Where CI is set, warnings are coloured in files too.
  return stripVTControlCharacters(String(output.read() ?? ''))
    .split('\n')
    .filter((line) => line !== '');
}

describe('the report of a training run', () => {
  it('has a line an epoch and warnings, unless it is told otherwise', () => {
    expect(told({})).toEqual([
      expect.stringMatching(/^epoch 1\/0 {2}loss 1\.235 {2}80 img\/s/),
      'warning: a picture is damaged',
    ]);
  });

  it('has a line within an epoch where nobody sees a live one, at the interval, but at most one a minute', () => {
    let seconds = 0;
    const steps = Array.from({ length: 60 }, (_, i) => step(i + 1));
    // Four seconds a step: the interval of 10 is 40 s.
    const report = (output: PassThrough, config: ReportConfig) => {
      const listen = trainingReport(output, config, () => 1000 * seconds);
      return (event: RunnerEvent) => {
        seconds += 4;
        listen(event);
      };
    };
    const lines = told({}, report, steps);
    expect(lines.map((line) => /step +(\d+)\/20 {2}loss 1\.235/.exec(line)?.[1])).toEqual(['20', '40', '60']);
  });

  it('of level debug has a line for every logged step, with all its numbers', () => {
    const [line, ...rest] = told({ logLevel: 'debug' });
    expect(line).toBe(
      'epoch 1/0  step 10/20  loss 1.235  lr 1.2e-4  80 img/s  wait 1.0 %  1 min 05 s left  gradNorm 123.5',
    );
    expect(rest).toHaveLength(2);
    expect(told({ logLevel: 'debug', defaultHooks: { logger: { interval: 5 } } })).toHaveLength(4);
  });

  it('of level warning has warnings alone, and of level error nothing', () => {
    expect(told({ logLevel: 'warning' })).toEqual(['warning: a picture is damaged']);
    expect(told({ logLevel: 'error' })).toEqual([]);
    expect(told({}, warningReport)).toEqual(['warning: a picture is damaged']);
    expect(told({ logLevel: 'error' }, warningReport)).toEqual([]);
  });

  it('names a picture that was skipped once, whether its reason does too or not', () => {
    const skipped = [
      { name: 'a/b.jpg', reason: 'a/b.jpg: is no picture' },
      { name: 'cifar#7', reason: 'truncated' },
    ];
    const lines = ['skipped a/b.jpg: is no picture', 'skipped cifar#7: truncated'];
    expect(told({}, trainingReport, [{ ...epoch, skipped }]).slice(1)).toEqual(
      lines.map((line) => `  ${line}`),
    );
    expect(told({}, warningReport, [{ ...epoch, skipped }])).toEqual(lines);
  });

  it('writes numbers with as many digits as the config says', () => {
    const [line] = told({ logLevel: 'debug', logProcessor: { numDigits: 7 } });
    expect(line).toContain('loss 1.234568  lr 1.2345e-4');
  });
});
