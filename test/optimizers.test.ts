/**
 * Every optimiser, with every option, against trajectories of PyTorch, MMPretrain and lion-pytorch in float64, on every device of this machine:
 * seven steps of a weight and a bias that a group of its own may have.
 */

import { readFileSync } from 'node:fs';
import { compile, type Device, hostTensor } from '@omma/core';
import { buildOptimizer, optimizerSchema } from '@omma/engine';
import { type Optimizer, Parameter, type ParameterOptions } from '@omma/nn';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { suiteDevices } from '../tools/src/conformance/devices.ts';

const numbers = z.array(z.number());
const nested = z.union([numbers, z.array(numbers)]);
const perParameter = z.record(z.string(), nested);

const goldenSchema = z.object({
  start: perParameter,
  gradients: z.array(perParameter),
  cases: z.array(
    z.object({
      type: z.string(),
      lr: z.number(),
      options: z.record(z.string(), z.unknown()),
      bias: z
        .object({
          lrMult: z.number().exactOptional(),
          decayMult: z.number().exactOptional(),
          larsExclude: z.boolean().exactOptional(),
        })
        .exactOptional(),
      lrs: numbers.exactOptional(),
      momenta: numbers.exactOptional(),
      trace: z.array(z.record(z.string(), numbers)),
    }),
  ),
});

const file = new URL('fixtures/golden/optimizers.json', import.meta.url);
const golden = goldenSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
type Case = (typeof golden.cases)[number];

/** float32's half unit in the last place, over the steps and the roundings of a step, of numbers up to about 3. */
const tolerance = golden.gradients.length * 12 * 2 ** -24 * 3;

function built({ type, lr, options, bias = {} }: Case): Optimizer {
  const rule = (name: string): ParameterOptions => (name.endsWith('bias') ? bias : {});
  return buildOptimizer(optimizerSchema.parse({ type, lr, ...options }), rule);
}

async function trajectory(device: Device, entry: Case): Promise<Record<string, number[]>[]> {
  const optimizer = built(entry);
  const parameters = Object.entries(golden.start).map(([name, values]) => {
    const parameter = new Parameter(shapeOf(values));
    parameter.name = name;
    return [name, parameter] as const;
  });
  for (const [name, parameter] of parameters)
    await parameter.upload(Float32Array.from(golden.start[name]?.flat() ?? []));
  const step = compile(
    ({ lr, momentum, ...gradients }) => {
      if (lr === undefined) return {};
      const all = parameters.flatMap(([name]) => gradients[name] ?? []);
      optimizer.step(parameters, all, lr, momentum === undefined ? {} : { momentum });
      return {};
    },
    { device },
  );
  const trace: Record<string, number[]>[] = [];
  const scalar = (value: number) => hostTensor([], 'float32', Float32Array.of(value));
  for (const [i, gradients] of golden.gradients.entries()) {
    const inputs = Object.entries(gradients).map(
      ([name, values]) =>
        [name, hostTensor(shapeOf(values), 'float32', Float32Array.from(values.flat()))] as const,
    );
    const momentum = entry.momenta?.[i];
    await step({
      ...Object.fromEntries(inputs),
      lr: scalar(entry.lrs?.[i] ?? entry.lr),
      ...(momentum === undefined ? {} : { momentum: scalar(momentum) }),
    });
    const values = parameters.map(async ([name, parameter]) => [
      name,
      [...(await parameter.download()).data],
    ]);
    trace.push(Object.fromEntries(await Promise.all(values)));
  }
  step.dispose();
  for (const variable of [...optimizer.variables(), ...parameters.map(([, parameter]) => parameter)])
    variable.release();
  return trace;
}

function shapeOf(values: z.infer<typeof nested>): number[] {
  const [first] = values;
  return Array.isArray(first) ? [values.length, first.length] : [values.length];
}

/** What a case is about, in a few words. */
function title({ type, options, bias, lrs, momenta }: Case): string {
  const parts = [
    ...Object.entries(options).map(([name, value]) => `${name} ${JSON.stringify(value)}`),
    ...(bias === undefined ? [] : [`a bias with ${JSON.stringify(bias)}`]),
    ...(lrs === undefined ? [] : ['a moving lr']),
    ...(momenta === undefined ? [] : ['a moving momentum']),
  ];
  return parts.length === 0 ? `${type} as it is` : `${type} with ${parts.join(', ')}`;
}

describe.each(suiteDevices())('the numbers of PyTorch on $name', (entry) => {
  if ('skipped' in entry) {
    it.skip(`left out: ${entry.skipped}`, () => undefined);
    return;
  }

  it.each(golden.cases.map((one) => [title(one), one] as const))('%s', async (_, one) => {
    const trace = await trajectory(entry.device, one);
    const worst = one.trace.flatMap((expected, step) =>
      Object.entries(expected).flatMap(([name, values]) =>
        values.map((value, i) => ({
          off: Math.abs((trace[step]?.[name]?.[i] ?? Number.NaN) - value) / Math.max(1, Math.abs(value)),
          at: `step ${step + 1}, ${name}[${i}]: ${trace[step]?.[name]?.[i]} for ${value}`,
        })),
      ),
    );
    expect(worst.filter(({ off }) => !(off <= tolerance)).map(({ at }) => at)).toEqual([]);
  });
});
