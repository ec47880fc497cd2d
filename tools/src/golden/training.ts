/**
 * Training traces: a torchvision ResNet trained for a few steps from known weights on known pictures, with the losses, gradient norms,
 * logits and final parameters that PyTorch had in float64.
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
import {
  compile,
  type Device,
  gradients,
  type HostTensor,
  hostFrom,
  type Shape,
  sizeOf,
  type Variable,
} from '@omma/core';
import { Adam, AdamW, gradNorm, type Module, type Optimizer, SGD } from '@omma/nn';
import { compareNumbers, type Finding } from './compare.ts';
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

/**
 * What the arithmetic may lose after some updates, relative to the size of what is compared.
 *
 * The reference device computes in float64. In float32 an activation that lies within rounding of zero can fall on the other side
 * of its ReLU: among half a million a few do. Each moves the gradients before it by about a per cent, and every update multiplies that.
 */
function toleranceAfter(updates: number, device: Device): number {
  return device.name === 'reference' ? 1e-5 : Math.min(2e-3 * 10 ** updates, 0.1);
}

/** Runs the trace on a device; every number of the file is one finding. */
export async function checkTraining(file: JsonObject, device: Device): Promise<Finding[]> {
  refuseUnknownFields(file);
  const [batch, size] = [asCount(file.batch, 'batch'), asCount(file.size, 'size')];
  const shape = asShape([batch, 3, size, size], 'batch, size');
  const classes = asCount(file.classes, 'classes');
  const trace = asList(file.trace, 'trace');
  if (trace.length === 0) throw new GoldenFileError('trace: expected at least one step but found none');
  const model = classifier(asString(file.net, 'net'), classes);
  await setWeights(model);
  const { optimizer, lr } = optimizerOf(file);
  const picture = (step: number) => hostFrom(fill(`input/${step}`, sizeOf(shape), -1, 1), shape, 'float32');
  const compare = (updates: number, what: string, actual: ArrayLike<number>, expected: readonly number[]) => {
    const relative = toleranceAfter(updates, device);
    return compareNumbers(what, actual, expected, { absolute: relative * largest(expected), relative });
  };

  const findings = [
    compare(
      0,
      'eval logits',
      await evalLogits(model, picture(0), device),
      asNumbers(file.eval_logits, 'eval_logits'),
    ),
  ];
  const step = trainingStep(model, optimizer, device);
  try {
    for (const [i, entry] of trace.entries()) {
      const expected = asObject(entry, `trace[${i}]`);
      const number = expected.step === undefined ? i : asNumber(expected.step, `trace[${i}].step`);
      const label = hostFrom(
        labelsOf(expected.labels, `trace[${i}].labels`, batch, classes),
        [batch],
        'int32',
      );
      const actual = await step({ image: picture(number), label, lr: hostFrom([lr], [], 'float32') });
      for (const [field, output] of [
        ['loss', 'loss'],
        ['grad_norm', 'gradNorm'],
        ['logits', 'logits'],
      ] as const) {
        const value = expected[field];
        const wanted = Array.isArray(value)
          ? asNumbers(value, field)
          : [asNumber(value, `trace[${i}].${field}`)];
        findings.push(compare(i, `${field} of step ${number}`, actual[output]?.data ?? [], wanted));
      }
    }
    findings.push(
      ...(await compareFinal(model, asObject(file.final, 'final'), toleranceAfter(trace.length, device))),
    );
    return findings;
  } finally {
    step.dispose();
    for (const variable of [...model.parameters(), ...model.buffers(), ...optimizer.variables()])
      variable.release();
  }
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

function classifier(net: string, classes: number): ImageClassifier {
  const depth = resNetDepths.find((candidate): candidate is ResNetDepth => `resnet${candidate}` === net);
  if (depth === undefined) {
    throw new GoldenFileError(
      `net: expected one of ${resNetDepths.map((each) => `resnet${each}`).join(', ')} but found ${net}`,
    );
  }
  const backbone = new ResNet({ depth });
  const head = new LinearClsHead({ numClasses: classes, inChannels: backbone.outChannels });
  return new ImageClassifier({ backbone, neck: new GlobalAveragePooling(), head }).assignNames();
}

/** The weights before the first step, as the README of the files gives them. */
async function setWeights(model: ImageClassifier): Promise<void> {
  for (const [name, parameter] of model.namedParameters())
    await parameter.upload(initialWeight(name, parameter.shape));
}

function initialWeight(name: string, shape: Shape): Float32Array {
  const size = sizeOf(shape);
  if (shape.length > 1) {
    const bound = Math.sqrt(6 / sizeOf(shape.slice(1)));
    return fill(name, size, -bound, bound);
  }
  if (name === 'head.fc.bias') return new Float32Array(size);
  return name.endsWith('.weight') ? fill(name, size, 0.5, 1.5) : fill(name, size, -0.1, 0.1);
}

function optimizerOf(file: JsonObject): { optimizer: Optimizer; lr: number } {
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
    return { optimizer: new SGD(options), lr: number('lr', 0.01) };
  }
  if (name !== 'adam' && name !== 'adamw')
    throw new GoldenFileError(`optimizer: expected sgd, adam or adamw but found ${name}`);
  refuse('momentum', 'nesterov', 'dampening');
  const [beta1 = 0.9, beta2 = 0.999] = file.betas === undefined ? [] : asNumbers(file.betas, 'betas');
  const options = { betas: [beta1, beta2], eps: number('eps', 1e-8) } as const;
  const lr = number('lr', 1e-3);
  if (name === 'adam')
    return { optimizer: new Adam({ ...options, weightDecay: number('weight_decay', 0) }), lr };
  return { optimizer: new AdamW({ ...options, weightDecay: number('weight_decay', 0.01) }), lr };
}

async function evalLogits(
  model: ImageClassifier,
  image: HostTensor,
  device: Device,
): Promise<ArrayLike<number>> {
  model.eval();
  const run = compile(({ image: x }) => ({ logits: model.call(given(x)) }), { device, name: 'evaluation' });
  try {
    return (await run({ image })).logits?.data ?? [];
  } finally {
    run.dispose();
    model.train();
  }
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
      return { loss, gradNorm: gradNorm(all), logits };
    },
    { device, name: 'training step' },
  );
}

async function compareFinal(model: Module, final: JsonObject, relative: number): Promise<Finding[]> {
  const variables = new Map<string, Variable>([...model.namedParameters(), ...model.namedBuffers()]);
  const findings: Finding[] = [];
  for (const [name, value] of Object.entries(final)) {
    const expected = asObject(value, `final.${name}`);
    const variable = variables.get(name);
    if (variable === undefined) {
      findings.push({
        what: `final ${name}`,
        error: Number.POSITIVE_INFINITY,
        failure: 'the model has nothing of this name',
      });
      continue;
    }
    const data = Array.from((await variable.download()).data);
    const sum = data.reduce((total, element) => total + element, 0);
    const l2 = Math.sqrt(data.reduce((total, element) => total + element * element, 0));
    const wanted = (field: string) => asNumber(expected[field], `final.${name}.${field}`);
    const length = wanted('l2');
    const typical = length / Math.sqrt(data.length);
    findings.push(
      compareNumbers(`final ${name} (sum, l2)`, [sum, l2], [wanted('sum'), length], {
        absolute: relative * length,
        relative,
      }),
      compareNumbers(`final ${name} (first)`, [data[0] ?? 0], [wanted('first')], {
        absolute: relative * typical,
        relative,
      }),
    );
  }
  return findings;
}

function largest(numbers: readonly number[]): number {
  return numbers.reduce((most, element) => Math.max(most, Math.abs(element)), 0);
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('an input of the traced function is missing');
  return value;
}
