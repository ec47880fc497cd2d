/**
 * The conformance suite: every op of the table, every sample, on one device. Nothing is listed by hand; a new op is covered by being
 * defined.
 */

import {
  allOps,
  type Device,
  type DType,
  device as deviceNamed,
  type Graph,
  inferTypes,
  isFloat,
  OmmaError,
  type OpDefinition,
  ShapeError,
  sizeOf,
} from '@omma/core';
import { checkDerivative } from './derivative.ts';
import { difference, narrowestFloat, preparedFor, runOn } from './onDevice.ts';
import { type CheckName, type CheckResult, fail, type Outcome, pass, skip } from './result.ts';
import {
  floatInputs,
  forwardGraph,
  gradientGraph,
  inputTypes,
  inputValues,
  loweredGraph,
  outputTypes,
  type SampledOp,
  samplesOf,
} from './sampleGraph.ts';

/** Runs all checks of all ops on a device. Checks of the definition alone are made once, on the reference device. */
export async function runSuite(device: Device): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const definition of allOps()) results.push(...(await checkOp(definition, device)));
  return results;
}

/** All checks of one op on a device, with its first `samples` samples; all unless given. */
export async function checkOp(
  definition: OpDefinition,
  device: Device,
  samples = Number.POSITIVE_INFINITY,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  const record = (sample: string, check: CheckName, outcome: Outcome) => {
    results.push({ op: definition.name, sample, check, device: device.name, outcome });
  };
  const isReference = device.name === 'reference';
  await device.synchronize();
  for (const sampled of samplesOf(definition).slice(0, samples)) {
    const before = device.memory().live;
    record(sampled.label, 'forward', await guarded(() => checkForward(sampled, device)));
    record(sampled.label, 'gradient', await guarded(() => checkGradient(sampled, device)));
    await device.synchronize();
    const after = device.memory().live;
    record(
      sampled.label,
      'memory',
      after === before ? pass : fail(`${after} bytes are live, ${before} were before`),
    );
    if (!isReference) continue;
    record(
      sampled.label,
      'derivative',
      await guarded(async () => skipDerivative(sampled) ?? checkDerivative(sampled)),
    );
    record(sampled.label, 'lowering', await guarded(() => checkLowering(sampled, device)));
  }
  if (isReference) {
    definition.errors.forEach((_, i) => {
      record(`error ${i}`, 'refusal', checkRefusal(definition, i));
    });
  }
  return results;
}

async function checkForward(sampled: SampledOp, device: Device): Promise<Outcome> {
  return agree(sampled, device, forwardGraph(sampled));
}

async function checkGradient(sampled: SampledOp, device: Device): Promise<Outcome> {
  const skipped = skipGradient(sampled);
  if (skipped !== null) return skipped;
  const graph = gradientOrRefusal(sampled);
  return typeof graph === 'string' ? skip('no gradient', graph) : agree(sampled, device, graph);
}

/** The gradient graph, or why the op's rule declines to differentiate a sample (`customGrad` without its user's rule). */
function gradientOrRefusal(sampled: SampledOp): Graph | string {
  try {
    return gradientGraph(sampled);
  } catch (error) {
    if (error instanceof OmmaError && error.name === 'OmmaError') return error.message;
    throw error;
  }
}

/** A graph on the device against the same graph on the reference device. */
async function agree(sampled: SampledOp, device: Device, graph: Graph): Promise<Outcome> {
  const inputs = inputValues(sampled);
  const prepared = preparedFor(graph, device);
  if (typeof prepared === 'string') return skip('unsupported', prepared);
  const actual = await runOn(device, prepared, inputs);
  return compared(actual, await runOnReference(graph, inputs), sampled, device.capabilities.float32As);
}

async function checkLowering(sampled: SampledOp, reference: Device): Promise<Outcome> {
  const { lower, reference: kernel } = sampled.definition;
  if (lower === undefined || kernel === undefined) return skip('one definition only');
  const inputs = inputValues(sampled);
  const lowered = preparedFor(loweredGraph(sampled), reference);
  if (typeof lowered === 'string') return fail(lowered);
  return compared(
    await runOn(reference, lowered, inputs),
    await runOnReference(forwardGraph(sampled), inputs),
    sampled,
  );
}

async function runOnReference(graph: Graph, inputs: ReturnType<typeof inputValues>) {
  const reference = deviceNamed('reference');
  const prepared = preparedFor(graph, reference);
  if (typeof prepared === 'string') throw new OmmaError(prepared);
  return runOn(reference, prepared, inputs);
}

function compared(
  actual: Awaited<ReturnType<typeof runOn>>,
  expected: Awaited<ReturnType<typeof runOn>>,
  sampled: SampledOp,
  computedIn: DType = 'float32',
): Outcome {
  const types = [...inputTypes(sampled), ...outputTypes(sampled)].map(({ dtype }) => dtype);
  const dtypes = types.includes('float32') ? [...types, computedIn] : types;
  const found = difference(actual, expected, narrowestFloat(dtypes));
  return found === '' ? pass : fail(found);
}

function skipGradient(sampled: SampledOp): Outcome | null {
  const { grad } = sampled.definition;
  if (typeof grad === 'object') return skip('no gradient', grad.noGradient);
  const differentiable = outputTypes(sampled).some(({ dtype, shape }) => isFloat(dtype) && sizeOf(shape) > 0);
  return floatInputs(sampled).length === 0 || !differentiable ? skip('nothing to differentiate') : null;
}

function skipDerivative(sampled: SampledOp): Outcome | null {
  const skipped = skipGradient(sampled);
  if (skipped !== null) return skipped;
  if (sampled.sample.skipGradient !== undefined) return skip('not smooth', sampled.sample.skipGradient);
  const types = [...inputTypes(sampled), ...outputTypes(sampled)];
  return types.some(({ dtype }) => dtype === 'bfloat16' || dtype === 'float16') ? skip('16-bit') : null;
}

function checkRefusal(definition: OpDefinition, index: number): Outcome {
  const sample = definition.errors[index];
  if (sample === undefined) return fail('the error sample is missing');
  try {
    inferTypes(definition, sample.inputs, sample.attrs);
  } catch (error) {
    if (!(error instanceof ShapeError))
      return fail(`refused with ${String(error)}, which is not a ShapeError`);
    return sample.message.test(error.message)
      ? pass
      : fail(`the message "${error.message}" does not match ${sample.message}`);
  }
  return fail('was not refused');
}

/** An exception is a failure of the check, not of the suite. */
async function guarded(check: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await check();
  } catch (error) {
    return fail(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  }
}
