/**
 * The dry run: everything that training needs, tried once, with nothing written. Config and data are read, the step is compiled and run, one batch is
 * evaluated; from that come the memory it takes, the checkpoint's size, and how long the whole run will be.
 */

import { statfs } from 'node:fs/promises';
import { freemem } from 'node:os';
import { dirname, resolve } from 'node:path';
import { OmmaError, sizeOf, type TensorType } from '@omma/core';
import type { Config } from '../config/types.ts';
import type { BatchLoader } from '../data/loader.ts';
import type { Batch, DataLoader } from '../data/types.ts';
import { buildEvaluator } from '../evaluation/config.ts';
import { checkpointPlace } from '../hooks/checkpointPlace.ts';
import type { HookInfo } from '../hooks/hookList.ts';
import type { TrainPlan } from '../loops/trainPlan.ts';
import { isLossOutput, lossName } from './evaluationStep.ts';
import type { Runner } from './runner.ts';
import type { Training } from './training.ts';
import { unusedParameters, unusedWarning } from './unusedParameters.ts';

export interface CheckReport {
  readonly device: string;
  readonly amp: 'bfloat16' | 'float16' | 'off';
  readonly parameters: number;
  /** Of these, the ones that are trained. */
  readonly trainableParameters: number;
  /** Names of those that the loss does not depend on. */
  readonly unusedParameters: readonly string[];
  readonly trainSamples: number;
  readonly valSamples: number;
  readonly batchSize: number;
  readonly iterationsPerEpoch: number;
  readonly maxIterations: number;
  readonly compileSeconds: number;
  /** Of the first step. */
  readonly loss: number;
  /** Measured on a few steps, and on loading as many batches. */
  readonly secondsPerStep: number;
  readonly secondsPerBatch: number;
  readonly memory: MemoryPlan;
  readonly disk: DiskPlan;
  /** Training and evaluations, as they were measured. Null for the time of evaluation where there is none. */
  readonly trainSeconds: number;
  readonly evaluationSeconds: number | null;
  readonly evaluations: number;
  /** In the order in which they are called. */
  readonly hooks: readonly HookInfo[];
}

/** Bytes. */
export interface MemoryPlan {
  /** Weights, statistics, moments, averages. */
  readonly state: number;
  /** Intermediates and constants of the compiled steps. */
  readonly intermediates: number;
  /** The most that the device held. */
  readonly peak: number;
  /** The whole process, and what is free besides. */
  readonly process: number;
  readonly free: number;
}

export interface DiskPlan {
  readonly checkpointBytes: number;
  /** Checkpoints that exist at the same time: those kept, the best ones, and the one being written. */
  readonly checkpoints: number;
  readonly freeBytes: number;
}

/** Steps that are measured, after one that is not. */
const measured = 3;

/** Tries a run out. OmmaError for what would stop it. */
export async function checkRun(runner: Runner, training: Training): Promise<CheckReport> {
  const { loader, valLoader, plan, state, step, hooks } = training.parts;
  const { device, amp, model, config } = runner;
  const { batches, seconds: secondsPerBatch } = await someBatches(loader, measured + 1);
  const [first] = batches;
  if (first === undefined) throw new OmmaError('check: the training data has no batch');
  const settings = training.settings();
  const compiling = performance.now();
  const executables = await step.prepare({ ...first.inputs, ...settings });
  const compileSeconds = (performance.now() - compiling) / 1000;
  const intermediates = executables.reduce((total, { bytes }) => total + bytes, 0);
  const stateBytes = bytesOf(state.variables());
  const checkpoints = checkpointCount(runner.config, plan);
  const { directory } = checkpointPlace(runner);
  const disk = { checkpointBytes: stateBytes, checkpoints, freeBytes: await freeDisk(directory) };
  if (disk.freeBytes < stateBytes * checkpoints) {
    throw new OmmaError(
      `check: ${checkpoints} checkpoints of ${megabytes(stateBytes)} need ${megabytes(stateBytes * checkpoints)} but ${megabytes(disk.freeBytes)} are free in ${directory}; ` +
        'free some space, choose another --work-dir, or keep fewer (defaultHooks.checkpoint.maxKeep)',
    );
  }
  const unused = unusedParameters(state, first.inputs);
  const warning = unusedWarning(unused);
  if (warning !== null) runner.emit({ type: 'warning', message: warning });
  const loss = await lossOf(step({ ...first.inputs, ...settings }));
  const rest = batches.slice(1);
  const started = performance.now();
  for (const batch of rest) await step({ ...batch.inputs, ...settings });
  const secondsPerStep = (performance.now() - started) / 1000 / Math.max(1, rest.length);
  const evaluation = valLoader === null ? null : await evaluationOf(runner, valLoader);
  const warn = (message: string) => runner.emit({ type: 'warning', message });
  if (evaluation !== null) for (const hook of hooks.hooks) hook.checkMetrics?.(evaluation.metrics, warn);
  return {
    device: device.name,
    amp: amp ?? 'off',
    parameters: count(model.parameters()),
    trainableParameters: count(state.trainable().map(([, parameter]) => parameter)),
    unusedParameters: unused,
    trainSamples: loader.dataset.length,
    valSamples: valLoader?.dataset.length ?? 0,
    batchSize: loader.batchSize,
    iterationsPerEpoch: plan.iterationsPerEpoch,
    maxIterations: plan.maxIterations,
    compileSeconds,
    loss,
    secondsPerStep,
    secondsPerBatch,
    memory: {
      state: stateBytes,
      intermediates,
      peak: device.memory().peak,
      process: process.memoryUsage.rss(),
      free: freemem(),
    },
    disk,
    // Loading goes on while the device computes: the slower of the two is what counts.
    trainSeconds: plan.maxIterations * Math.max(secondsPerStep, secondsPerBatch),
    evaluationSeconds: evaluation?.seconds ?? null,
    evaluations: config.valDataloader === undefined ? 0 : plan.evaluations,
    hooks: hooks.info,
  };
}

/** The first batches of the data, and the seconds that each took to come. */
async function someBatches(
  loader: DataLoader,
  wanted: number,
): Promise<{ batches: Batch[]; seconds: number }> {
  const started = performance.now();
  const batches: Batch[] = [];
  for await (const batch of loader.epoch(0)) {
    batches.push(batch);
    if (batches.length === wanted) break;
  }
  return { batches, seconds: (performance.now() - started) / 1000 / Math.max(1, batches.length) };
}

async function lossOf(
  running: Promise<Record<string, { data: ArrayLike<number | bigint> }>>,
): Promise<number> {
  const { loss } = await running;
  const value = Number(loss?.data[0] ?? Number.NaN);
  if (Number.isFinite(value)) return value;
  throw new OmmaError(
    `check: the loss of the first step is ${value}; lower the learning rate, check the data, or look at the weights of loadFrom`,
  );
}

/** What one evaluation gives, and its seconds, from one batch that goes through the metrics as well. */
async function evaluationOf(
  runner: Runner,
  loader: BatchLoader,
): Promise<{ metrics: string[]; seconds: number } | null> {
  const evaluator = buildEvaluator(runner.config.valEvaluator);
  const step = runner.evaluations.stepDuringTraining();
  if (step === null) return null;
  const { batches, seconds } = await someBatches(loader, 2);
  const [first, second = first] = batches;
  if (first === undefined || second === undefined) return null;
  const outputs = await step(first.inputs);
  evaluator.reset();
  evaluator.update(outputs, first);
  const losses = Object.keys(outputs).filter(isLossOutput).map(lossName);
  const metrics = [...Object.keys(evaluator.compute()), ...losses];
  const started = performance.now();
  await step(second.inputs);
  const slower = Math.max(seconds, (performance.now() - started) / 1000);
  return { metrics, seconds: loader.batchesPerEpoch * slower };
}

function checkpointCount({ defaultHooks }: Config, { byEpoch, maxEpochs, maxIterations }: TrainPlan): number {
  const { maxKeep = 2, saveBest = 'auto', interval = byEpoch ? 1 : 1000 } = defaultHooks?.checkpoint ?? {};
  const all = Math.ceil((byEpoch ? maxEpochs : maxIterations) / interval);
  return (maxKeep === -1 ? all : maxKeep) + (saveBest === null ? 0 : [saveBest].flat().length) + 1;
}

/** Bytes free where `directory` is or will be. */
async function freeDisk(directory: string): Promise<number> {
  for (let place = resolve(directory); ; place = dirname(place)) {
    const found = await statfs(place).catch(() => null);
    if (found !== null) return found.bavail * found.bsize;
    if (place === dirname(place)) return 0;
  }
}

/** All state is of four bytes an element or less. */
function bytesOf(variables: readonly TensorType[]): number {
  return 4 * count(variables);
}

function count(variables: readonly TensorType[]): number {
  return variables.reduce((total, { shape }) => total + sizeOf(shape), 0);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
