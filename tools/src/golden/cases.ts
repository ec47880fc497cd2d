/** Operator vectors: one graph a case, forward and gradient together, compiled and run on a device. */

import {
  add,
  compile,
  type Device,
  gradients,
  type HostTensor,
  hostFrom,
  isFloat,
  mul,
  sizeOf,
  sum,
  type Tensor,
} from '@omma/core';
import { CaseAttributes } from './attributes.ts';
import { compareNumbers, comparePadded, exact, type Finding, type Tolerance } from './compare.ts';
import { fill } from './fill.ts';
import {
  asArray,
  asList,
  asNumber,
  asNumbers,
  asObject,
  asShape,
  asString,
  GoldenFileError,
  type JsonObject,
} from './json.ts';
import { type CaseTensors, type OperatorResult, operators } from './operators.ts';

/** Fair for float32, says the README of the files. */
const tolerance: Tolerance = { absolute: 2e-5, relative: 1e-4 };

export interface CaseResult {
  readonly id: string;
  readonly findings: readonly Finding[];
}

interface Expected {
  readonly shape: readonly number[];
  readonly integer: boolean;
  readonly data: readonly number[];
}

/** Checks every case of an operator file, one after another, and reports each as it is done. */
export async function checkCases(
  file: JsonObject,
  device: Device,
  report: (result: CaseResult) => void,
): Promise<void> {
  const seed = asString(file.seed, 'seed');
  const cases = asList(file.cases, 'cases');
  if (cases.length === 0) throw new GoldenFileError('cases: expected at least one but found none');
  for (const [i, entry] of cases.entries()) {
    const golden = asObject(entry, `cases[${i}]`);
    const id = asString(golden.id, `cases[${i}].id`);
    report({ id, findings: await checkCase(golden, id, seed, device) });
  }
}

async function checkCase(golden: JsonObject, id: string, seed: string, device: Device): Promise<Finding[]> {
  try {
    return await compareCase(golden, id, seed, device);
  } catch (error) {
    // A case that throws has failed, whatever it throws; the ones after it are checked all the same.
    const failure = error instanceof Error ? error.message : String(error);
    return [{ what: 'case', error: Number.POSITIVE_INFINITY, failure }];
  }
}

async function compareCase(golden: JsonObject, id: string, seed: string, device: Device): Promise<Finding[]> {
  const expected = asList(golden.outputs, `${id}.outputs`).map((output, i) =>
    expectedOutput(output, `${id}.outputs[${i}]`),
  );
  const grads = Object.entries(asObject(golden.grads ?? {}, `${id}.grads`));
  const floats = hostFloats(golden, id);
  const literals = Object.entries(asObject(golden.ints ?? {}, `${id}.ints`));
  const cotangents = expected.map(({ shape }, i) =>
    hostFrom(fill(`${seed}/${id}/ct${i}`, sizeOf(shape), -1, 1), shape, 'float32'),
  );
  const literalHosts = literals.flatMap(([name, value]): [string, HostTensor][] => {
    const { shape, data } = asArray(value, `${id}.ints.${name}`);
    const integers: [string, HostTensor][] = data.every(Number.isInteger)
      ? [[`int32 ${name}`, hostFrom(data, shape, 'int32')]]
      : [];
    return [...integers, [`float32 ${name}`, hostFrom(data, shape, 'float32')]];
  });
  const inputs = Object.fromEntries([
    ...floats,
    ...literalHosts,
    ...cotangents.map((host, i): [string, HostTensor] => [`ct${i}`, host]),
  ]);

  let padded = false;
  const run = compile(
    (symbols) => {
      const attrs = new CaseAttributes(asObject(golden.attrs ?? {}, `${id}.attrs`), `${id}.attrs`);
      const result = applied(golden, id, symbols, floats, attrs);
      const { outputs, differentiable = outputs.length } = result;
      padded = result.padded ?? false;
      attrs.finish();
      if (outputs.length !== expected.length) {
        throw new GoldenFileError(`${id}: ${outputs.length} outputs where the file has ${expected.length}`);
      }
      const results = Object.fromEntries(outputs.map((output, i) => [`output ${i}`, output]));
      if (grads.length === 0) return results;
      const parts = outputs.flatMap((output, i) =>
        i < differentiable && isFloat(output.dtype) ? [sum(mul(output, named(symbols, `ct${i}`, id)))] : [],
      );
      const wrt = grads.map(([name]) => named(symbols, name, id));
      gradients(parts.reduce(add), wrt).forEach((gradient, i) => {
        results[`gradient of ${grads[i]?.[0]}`] = gradient;
      });
      return results;
    },
    { device, name: id },
  );
  try {
    const actual = await run(inputs);
    return [
      ...expected.map((output, i) => compareOutput(`output ${i}`, actual[`output ${i}`], output, padded)),
      ...grads.map(([name, data]) => {
        const what = `gradient of ${name}`;
        return compareNumbers(
          what,
          actual[what]?.data ?? [],
          asNumbers(data, `${id}.grads.${name}`),
          tolerance,
        );
      }),
    ];
  } finally {
    run.dispose();
  }
}

function expectedOutput(value: unknown, path: string): Expected {
  const output = asObject(value, path);
  const data = asNumbers(output.data, `${path}.data`);
  return {
    shape: asShape(output.shape, `${path}.shape`),
    integer: !String(output.dtype).startsWith('float'),
    data,
  };
}

function compareOutput(
  what: string,
  actual: HostTensor | undefined,
  expected: Expected,
  padded: boolean,
): Finding {
  if (actual === undefined) return { what, error: Number.POSITIVE_INFINITY, failure: 'is missing' };
  if (padded) return comparePadded(what, actual.data, expected.data);
  if (actual.shape.join() !== expected.shape.join()) {
    return {
      what,
      error: Number.POSITIVE_INFINITY,
      failure: `has shape [${actual.shape.join(', ')}] but [${expected.shape.join(', ')}] is expected`,
    };
  }
  return compareNumbers(what, actual.data, expected.data, expected.integer ? exact : tolerance);
}

function hostFloats(golden: JsonObject, id: string): [string, HostTensor][] {
  return Object.entries(asObject(golden.inputs ?? {}, `${id}.inputs`)).map(([name, value]) => {
    const path = `${id}.inputs.${name}`;
    const input = asObject(value, path);
    const shape = asShape(input.shape, `${path}.shape`);
    const [low, high] = [asNumber(input.lo, `${path}.lo`), asNumber(input.hi, `${path}.hi`)];
    return [
      name,
      hostFrom(fill(asString(input.fill, `${path}.fill`), sizeOf(shape), low, high), shape, 'float32'),
    ];
  });
}

function named(symbols: Readonly<Record<string, Tensor>>, name: string, id: string): Tensor {
  const found = symbols[name];
  if (found === undefined) throw new GoldenFileError(`${id}: the case has no input called ${name}`);
  return found;
}

function applied(
  golden: JsonObject,
  id: string,
  symbols: Readonly<Record<string, Tensor>>,
  floats: readonly [string, HostTensor][],
  attrs: CaseAttributes,
): OperatorResult {
  const op = asString(golden.op, `${id}.op`);
  const operator = operators.get(op);
  if (operator === undefined) throw new GoldenFileError(`${id}: no operator is called ${op}`);
  const tensors: CaseTensors = {
    all: floats.map(([name]) => named(symbols, name, id)),
    input: (name) => named(symbols, name, id),
    optional: (name) => symbols[name] ?? null,
    integers: (name) => named(symbols, `int32 ${name}`, id),
    floats: (name) => named(symbols, `float32 ${name}`, id),
  };
  const result = operator(tensors, attrs);
  if ('outputs' in result) return result;
  return { outputs: 'origin' in result ? [result] : result };
}
