/**
 * What a training run says while it works: a live line on a terminal; everywhere else one line an epoch, and within long ones one a minute.
 *
 * Listens to the Runner's events and writes to one stream; knows nothing of how training works.
 */

import type {
  Config,
  EpochEvent,
  EvaluationEvent,
  IterationEvent,
  LogLevel,
  RunnerEvent,
  RunnerListener,
  StartEvent,
} from '@omma/engine';
import { defaultLogInterval, logLevels } from '@omma/engine';
import { type Options, SingleBar } from 'cli-progress';
import pc from 'picocolors';
import { byteProgress, type Progress } from './byteProgress.ts';
import { formatCount, formatDigits, formatDuration, formatPercent } from './format.ts';
import { skippedLine } from './skipped.ts';

export type Output = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** What of a run's config concerns its report. */
export type ReportConfig = Pick<Config, 'logLevel' | 'logProcessor' | 'defaultHooks'>;

/** Whether a terminal is told what is as important as `level`. */
export function isTold(level: LogLevel, { logLevel = 'info' }: ReportConfig): boolean {
  return logLevels.indexOf(level) >= logLevels.indexOf(logLevel);
}

/** Milliseconds between the lines of steps where there is no live one: a log of a day stays readable. */
const stepLinesEvery = 60_000;

/** A listener that reports on `output`. `now`: milliseconds of a clock. */
export function trainingReport(
  output: Output,
  config: ReportConfig = {},
  now: () => number = () => performance.now(),
): RunnerListener {
  const quiet = !isTold('info', config);
  const digits = config.logProcessor?.numDigits ?? 4;
  const interval = config.defaultHooks?.logger?.interval ?? defaultLogInterval;
  const live = output.isTTY && !quiet ? new LiveLine(output) : null;
  const write = (line: string) => {
    live?.clear();
    output.write(`${line}\n`);
  };
  const say = (line: string) => {
    if (!quiet) write(line);
  };
  let epochs = 0;
  let told = now();
  const sayProgress = (line: string) => {
    told = now();
    say(line);
  };
  let download: Progress | null = null;
  return (event: RunnerEvent) => {
    switch (event.type) {
      case 'start':
        epochs = event.maxEpochs;
        for (const line of startLines(event)) say(line);
        return;
      case 'iteration':
        if (
          event.iteration % interval === 0 &&
          (isTold('debug', config) || (live === null && now() - told >= stepLinesEvery))
        )
          sayProgress(stepLine(event, epochs, digits));
        live?.iteration(event, epochs, digits);
        return;
      case 'downloadProgress':
        if (quiet) return;
        download ??= byteProgress(output, 'downloading');
        download.update(event.done, event.total);
        if (event.done < event.total) return;
        download.end();
        download = null;
        return;
      case 'evaluationProgress':
        live?.evaluation(event.done, event.total);
        return;
      case 'epoch':
        sayProgress(epochLine(event, epochs, digits));
        for (const line of skippedLines(event.skipped)) say(line);
        return;
      case 'evaluation':
        sayProgress(evaluationLine(event));
        return;
      case 'checkpoint':
        if (event.best) say(pc.dim(`  best so far, kept as ${event.path}`));
        return;
      case 'warning':
        if (isTold('warning', config)) write(pc.yellow(`warning: ${event.message}`));
        return;
      case 'notice':
        say(event.message);
        return;
      case 'end':
        live?.clear();
        return;
    }
  };
}

/** A listener for the processes that rank 0 speaks for: only what went wrong on this one. */
export function warningReport(output: Output, config: ReportConfig = {}): RunnerListener {
  return (event) => {
    if (!isTold('warning', config)) return;
    if (event.type === 'warning') output.write(`warning: ${event.message}\n`);
    if (event.type !== 'epoch') return;
    for (const sample of event.skipped.slice(0, mostSkippedShown)) output.write(`${skippedLine(sample)}\n`);
  };
}

function startLines(event: StartEvent): string[] {
  const precision = event.amp === 'off' ? 'float32' : `${event.amp} mixed precision`;
  const lines = [
    `${pc.bold(event.device)}  ${event.description}, ${precision}${event.communicator === null ? '' : `, ${event.ranks} ranks by ${event.communicator}`}`,
    `${formatCount(event.parameters)} parameters, ${event.trainSamples} training and ${event.valSamples} validation samples, ` +
      `${length(event)}, compiled in ${formatDuration(event.compileMs / 1000)}`,
  ];
  if (event.resumedFrom !== null) lines.push(`resumed from ${event.resumedFrom} at epoch ${event.epoch + 1}`);
  return lines;
}

/** `10 epochs of 46 steps`, or in a run by iterations `500 steps, 46 an epoch`. */
function length({ maxEpochs, maxIterations, iterationsPerEpoch }: StartEvent): string {
  return maxIterations === maxEpochs * iterationsPerEpoch
    ? `${maxEpochs} epochs of ${iterationsPerEpoch} steps`
    : `${maxIterations} steps, ${iterationsPerEpoch} an epoch`;
}

const mostSkippedShown = 3;

function skippedLines(skipped: EpochEvent['skipped']): string[] {
  const lines = skipped.slice(0, mostSkippedShown).map((sample) => `  ${skippedLine(sample)}`);
  const rest = skipped.length - lines.length;
  return rest > 0 ? [...lines, `  and ${rest} more, all of them in log.jsonl`] : lines;
}

/** `epoch 2/10  step 10/46  loss 1.234  lr 0.01000  gradNorm 3.210  81 img/s  1 min 20 s left`, for those who ask for every line. */
function stepLine(event: IterationEvent, epochs: number, digits: number): string {
  const others = Object.entries(event.scalars).map(
    ([name, value]) => `  ${name} ${formatDigits(value, digits)}`,
  );
  const steps = String(event.iterationsPerEpoch);
  return (
    `epoch ${event.epoch + 1}/${epochs}  step ${String(event.iterationInEpoch).padStart(steps.length)}/${steps}  ` +
    `${progressText(event, digits)}${others.join('')}`
  );
}

function progressText(event: IterationEvent, digits: number): string {
  return (
    `loss ${formatDigits(event.smoothedLoss, digits)}  lr ${formatDigits(event.lr, digits)}  ${event.imagesPerSecond.toFixed(0)} img/s  ` +
    `wait ${formatPercent(event.dataWaitShare)}  ${formatDuration(event.secondsLeft)} left`
  );
}

function epochLine(event: EpochEvent, epochs: number, digits: number): string {
  const count = event.skipped.length;
  const skipped =
    count === 0 ? '' : `  ${pc.yellow(`${count} ${count === 1 ? 'sample' : 'samples'} skipped`)}`;
  const number = String(event.epoch + 1).padStart(String(epochs).length);
  return (
    `epoch ${number}/${epochs}  loss ${formatDigits(event.meanLoss, digits)}  ${event.imagesPerSecond.toFixed(0)} img/s  ` +
    `${formatDuration(event.seconds)}  data wait ${formatPercent(event.dataWaitShare)}${skipped}`
  );
}

/** `  accuracy/top1 78.4  accuracy/top5 98.1  (736 samples, 3 s)` */
export function evaluationLine({ metrics, samples, seconds, skipped }: EvaluationEvent): string {
  const parts = Object.entries(metrics).map(([name, value]) => `${name} ${pc.bold(value.toFixed(2))}`);
  const left = skipped.length === 0 ? '' : `, ${skipped.length} skipped`;
  return `  ${parts.join('  ')}  ${pc.dim(`(${samples} samples${left}, ${formatDuration(seconds)})`)}`;
}

/** One line that is redrawn in place. */
class LiveLine {
  readonly #bar: SingleBar;
  #shown = false;

  constructor(output: Output) {
    const options: Options = {
      stream: output,
      format: '{what} {bar} {value}/{total}  {text}',
      barCompleteChar: '━',
      barIncompleteChar: '─',
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
      fps: 8,
      linewrap: false,
    };
    this.#bar = new SingleBar(options);
  }

  iteration(event: IterationEvent, epochs: number, digits: number): void {
    const { epoch, iterationInEpoch, iterationsPerEpoch } = event;
    this.#show(
      `epoch ${epoch + 1}/${epochs}`,
      iterationInEpoch,
      iterationsPerEpoch,
      progressText(event, digits),
    );
  }

  evaluation(done: number, total: number): void {
    this.#show('evaluating', done, total, '');
  }

  #show(what: string, value: number, total: number, text: string): void {
    if (!this.#shown) this.#bar.start(total, value, { what, text });
    this.#shown = true;
    this.#bar.setTotal(total);
    this.#bar.update(value, { what, text });
  }

  clear(): void {
    if (this.#shown) this.#bar.stop();
    this.#shown = false;
  }
}
