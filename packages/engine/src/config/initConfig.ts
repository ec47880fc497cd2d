/** The schema of `initConfig`: what @omma/nn's initConfig.ts describes, for the schemas of models and their parts. */

import type { InitConfig } from '@omma/nn';
import { z } from 'zod';
import { sharedAs } from './jsonSchema.ts';

const number = z.number();
const optional = number.exactOptional();
const distribution = z.enum(['normal', 'uniform']).exactOptional();
const bias = { bias: optional, biasProb: z.number().gt(0).lt(1).exactOptional() };

const kinds = [
  { type: z.literal('Constant'), val: number },
  { type: z.literal('Xavier'), gain: z.number().positive().exactOptional(), distribution },
  { type: z.literal('Normal'), mean: optional, std: z.number().min(0).exactOptional() },
  {
    type: z.literal('TruncNormal'),
    mean: optional,
    std: z.number().min(0).exactOptional(),
    a: optional,
    b: optional,
  },
  { type: z.literal('Uniform'), a: optional, b: optional },
  {
    type: z.literal('Kaiming'),
    a: z.number().min(0).exactOptional(),
    mode: z.enum(['fanIn', 'fanOut']).exactOptional(),
    nonlinearity: z.enum(['relu', 'leakyRelu']).exactOptional(),
    distribution,
  },
  { type: z.literal('Caffe2Xavier') },
] as const;

const name = z.string().min(1);
const override = sharedAs(
  'initConfig_override',
  z.union([z.discriminatedUnion('type', everyKind({ name, ...bias })), z.strictObject({ name })]),
);

const one = z.discriminatedUnion('type', [
  ...everyKind({
    ...bias,
    layer: z.union([name, z.array(name).min(1)]).exactOptional(),
    override: z.union([override, z.array(override).min(1)]).exactOptional(),
  }),
  z.strictObject({ type: z.literal('Pretrained'), checkpoint: name, prefix: name.exactOptional() }),
]);

export const initConfigSchema: z.ZodType<InitConfig | readonly InitConfig[]> = sharedAs(
  'initConfig',
  z.union([one, z.array(one)]),
);

/** A schema a kind, with `more` keys. */
function everyKind<More extends z.ZodRawShape>(more: More) {
  const [constant, xavier, normal, truncated, uniform, kaiming, caffe2] = kinds;
  return [
    z.strictObject({ ...constant, ...more }),
    z.strictObject({ ...xavier, ...more }),
    z.strictObject({ ...normal, ...more }),
    z.strictObject({ ...truncated, ...more }),
    z.strictObject({ ...uniform, ...more }),
    z.strictObject({ ...kaiming, ...more }),
    z.strictObject({ ...caffe2, ...more }),
  ] as const;
}
