/**
 * Running a training trace: a torchvision ResNet trained for a few steps from known weights on known pictures. What a file says of it
 * is read and checked here (`readTrace`); what a device makes of it is a list of named numbers (`traceRunner`).
 *
 * The fields of the first format describe SGD with lr 0.01, momentum 0.9, weight decay 1e-4; Adam and AdamW have PyTorch's defaults.
 * A file may state the numbers; a field that is not known here is an error, because ignoring it would check something else.
 */

import {
  GlobalAveragePooling,
  ImageClassifier,
  LinearClsHead,
  ResNet,
  type ResNetDepth,
  resNetDepths,
} from '@omma/classification';
import { at, compile, type Device, gradients, hostFrom, type Shape, sizeOf } from '@omma/core';
import { Adam, AdamW, gradNorm, type Optimizer, SGD } from '@omma/nn';
import { fill } from './fill.ts';
import {
  asCount,
  asFlag,
  asList,
  asNumber,
  asNumbers,
  asObject,
  asShape,
  asString,
  GoldenFileError,
  type JsonObject,
} from './json.ts';

const describing = ['note', 'torch', 'torchvision', 'dtype', 'seed', 'id', 'steps'];
const known = [
  'net',
  'optimizer',
  'batch',
  'size',
  'classes',
  'eval_logits',
  'trace',
  'final',
  ...describing,
];
const hyperparameters = ['lr', 'momentum', 'weight_decay', 'betas', 'eps', 'nesterov', 'dampening'];

/** A training trace's job, as its file describes it. */
export interface Trace {
  readonly depth: ResNetDepth;
  readonly classes: number;
  /** [batch, 3, size, size] */
  readonly shape: Shape;
  readonly steps: readonly TraceStep[];
  readonly lr: number;
  /** A new optimiser of the file's kind. */
  optimizer(): Optimizer;
}

export interface TraceStep {
  /** Which picture it takes, and what it is called. */
  readonly number: number;
  readonly labels: readonly number[];
  /** The step as the file has it. */
  readonly expected: JsonObject;
}

export function readTrace(file: JsonObject): Trace {
  refuseUnknownFields(file);
  const [batch, size] = [asCount(file.batch, 'batch'), asCount(file.size, 'size')];
  const shape = asShape([batch, 3, size, size], 'batch, size');
  const classes = asCount(file.classes, 'classes');
  const steps = asList(file.trace, 'trace').map((entry, i): TraceStep => {
    const expected = asObject(entry, `trace[${i}]`);
    const number = expected.step === undefined ? i : asCount(expected.step, `trace[${i}].step`);
    return { number, labels: labelsOf(expected.labels, `trace[${i}].labels`, batch, classes), expected };
  });
  const trace = { depth: depthOf(asString(file.net, 'net')), classes, shape, steps, ...optimizerOf(file) };
  if (steps.length === 0) throw new GoldenFileError('trace: expected at least one step but found none');
  return trace;
}

/** A trace made ready on a device: compiled once, run as often as one likes. */
export interface TraceRunner {
  /**
   * Runs the trace from the weights that `weightOf` gives. The result's names: `eval logits`, `loss of step 0`, `grad_norm of step 0`,
   * `logits of step 0`, and each parameter and buffer after the last step.
   */
  run(
    weightOf: (name: string, shape: Shape) => Float32Array,
  ): Promise<ReadonlyMap<string, ArrayLike<number>>>;
  dispose(): void;
}

export async function traceRunner(trace: Trace, device: Device): Promise<TraceRunner> {
  const model = classifier(trace);
  const parameters = model.namedParameters();
  const optimizer = trace.optimizer();
  optimizer.prepare(parameters);
  const others = [...model.buffers(), ...optimizer.variables()];
  const atFirst = await Promise.all(others.map(async (variable) => (await variable.download()).data));
  const evaluation = evaluationOf(model, device);
  const step = trainingStep(model, optimizer, device);
  const picture = (number: number) =>
    hostFrom(fill(`input/${number}`, sizeOf(trace.shape), -1, 1), trace.shape, 'float32');
  return {
    run: async (weightOf) => {
      for (const [name, parameter] of parameters) await parameter.upload(weightOf(name, parameter.shape));
      for (const [i, variable] of others.entries()) await variable.upload(at(atFirst, i));
      const numbers = new Map<string, ArrayLike<number>>();
      numbers.set('eval logits', (await evaluation({ image: picture(0) })).logits?.data ?? []);
      for (const { number, labels } of trace.steps) {
        const label = hostFrom(labels, [labels.length], 'int32');
        const made = await step({ image: picture(number), label, lr: hostFrom([trace.lr], [], 'float32') });
        for (const [name, { data }] of Object.entries(made)) numbers.set(`${name} of step ${number}`, data);
      }
      for (const [name, variable] of [...parameters, ...model.namedBuffers()])
        numbers.set(name, (await variable.download()).data);
      return numbers;
    },
    dispose: () => {
      evaluation.dispose();
      step.dispose();
      for (const variable of [...model.parameters(), ...others]) variable.release();
    },
  };
}

/** One class a picture. */
function labelsOf(value: unknown, path: string, batch: number, classes: number): number[] {
  const labels = asList(value, path).map((label, i) => asCount(label, `${path}[${i}]`));
  const wrong = labels.find((label) => label >= classes);
  if (wrong !== undefined) throw new GoldenFileError(`${path}: ${wrong} is not below the ${classes} classes`);
  if (labels.length === batch) return labels;
  throw new GoldenFileError(`${path}: expected ${batch} labels but found ${labels.length}`);
}

function refuseUnknownFields(file: JsonObject): void {
  const unknown = Object.keys(file).filter(
    (name) => !known.includes(name) && !hyperparameters.includes(name),
  );
  if (unknown.length > 0) {
    throw new GoldenFileError(
      `unknown field ${unknown.join(', ')}; known: ${[...known, ...hyperparameters].join(', ')}`,
    );
  }
}

function depthOf(net: string): ResNetDepth {
  const depth = resNetDepths.find((candidate): candidate is ResNetDepth => `resnet${candidate}` === net);
  if (depth !== undefined) return depth;
  throw new GoldenFileError(
    `net: expected one of ${resNetDepths.map((each) => `resnet${each}`).join(', ')} but found ${net}`,
  );
}

function classifier({ depth, classes }: Trace): ImageClassifier {
  const backbone = new ResNet({ depth });
  const head = new LinearClsHead({ numClasses: classes, inChannels: backbone.outChannels });
  return new ImageClassifier({ backbone, neck: new GlobalAveragePooling(), head }).assignNames();
}

/** The weights before the first step, as the README of the files gives them. */
export function initialWeight(name: string, shape: Shape): Float32Array {
  const size = sizeOf(shape);
  if (shape.length > 1) {
    const bound = Math.sqrt(6 / sizeOf(shape.slice(1)));
    return fill(name, size, -bound, bound);
  }
  if (name === 'head.fc.bias') return new Float32Array(size);
  return name.endsWith('.weight') ? fill(name, size, 0.5, 1.5) : fill(name, size, -0.1, 0.1);
}

function optimizerOf(file: JsonObject): Pick<Trace, 'optimizer' | 'lr'> {
  const number = (name: string, fallback: number) =>
    file[name] === undefined ? fallback : asNumber(file[name], name);
  const name = asString(file.optimizer, 'optimizer').toLowerCase();
  const refuse = (...names: string[]) => {
    const foreign = names.find((field) => file[field] !== undefined);
    if (foreign !== undefined) throw new GoldenFileError(`${foreign}: has no meaning with optimizer ${name}`);
  };
  if (name === 'sgd') {
    refuse('betas', 'eps');
    const options = {
      momentum: number('momentum', 0.9),
      dampening: number('dampening', 0),
      weightDecay: number('weight_decay', 1e-4),
      nesterov: file.nesterov === undefined ? false : asFlag(file.nesterov, 'nesterov'),
    };
    return { optimizer: () => new SGD(options), lr: number('lr', 0.01) };
  }
  if (name !== 'adam' && name !== 'adamw')
    throw new GoldenFileError(`optimizer: expected sgd, adam or adamw but found ${name}`);
  refuse('momentum', 'nesterov', 'dampening');
  const [beta1 = 0.9, beta2 = 0.999] = file.betas === undefined ? [] : asNumbers(file.betas, 'betas');
  const options = { betas: [beta1, beta2], eps: number('eps', 1e-8) } as const;
  const lr = number('lr', 1e-3);
  const weightDecay = number('weight_decay', name === 'adam' ? 0 : 0.01);
  const kind = name === 'adam' ? Adam : AdamW;
  return { optimizer: () => new kind({ ...options, weightDecay }), lr };
}

function evaluationOf(model: ImageClassifier, device: Device) {
  return compile(
    ({ image }) => {
      model.eval();
      const logits = model.call(given(image));
      model.train();
      return { logits };
    },
    { device, name: 'evaluation' },
  );
}

/** One training step as one graph: loss, gradient norm over all parameters, logits; parameters and statistics are state. */
function trainingStep(model: ImageClassifier, optimizer: Optimizer, device: Device) {
  const parameters = model.namedParameters();
  return compile(
    ({ image, label, lr }) => {
      const logits = model.call(given(image));
      const loss = model.head.loss(logits, given(label));
      const all = gradients(
        loss,
        parameters.map(([, parameter]) => parameter.read()),
      );
      optimizer.step(parameters, all, given(lr));
      return { loss, grad_norm: gradNorm(all), logits };
    },
    { device, name: 'training step' },
  );
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('an input of the traced function is missing');
  return value;
}
