/**
 * The form of the operator table's files, checked when they are read: a wrong word in the table is an error with its path, never a
 * condition that silently holds. `operators/README.md` says what the words mean.
 */

import * as z from 'zod';
import { isTypeList } from './types.ts';

const typeList = z.string().refine(isTypeList, 'expected ONNX element types separated by spaces');
const opsets = z.string().regex(/^(?:\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)?$/, 'expected opsets such as 8,12-18');
const versionRange = z.string().regex(/^(?:<|>=)\d+(?:\.\w+)*$/, 'expected a range such as <7.0.0');
const source = z.enum(['SRC', 'INFO', 'H8', 'HT', 'DOC', 'UNVERIFIED']);
const familyName = z.enum(['310', '310B', '310P', '910', '910B', '910_93']);
const value = z.union([z.number(), z.string()]);
const range = { min: z.number().optional(), max: z.number().optional() };

export type Condition =
  | { attribute: string; absent?: true | undefined }
  | { attribute: string; in: (number | string)[] }
  | { attribute: string; notIn: (number | string)[] }
  | { attribute: string; min?: number | undefined; max?: number | undefined }
  | { input: number; absent?: true | undefined }
  | { input: number; constant: true }
  | { input: number; rank: number[] }
  | { input: number; types: string }
  | { input: number; axis: number; min?: number | undefined; max?: number | undefined }
  | { input: number; values: { min?: number | undefined; max?: number | undefined } }
  | { output: number; absent: true }
  | { inputs: { min: number } }
  | { outputs: { min: number } }
  | { any: Condition[] }
  | { all: Condition[] }
  | { not: Condition }
  | { special: 'lastAxisStepIsOne' };

const condition: z.ZodType<Condition> = z.lazy(() =>
  z.union([
    z.strictObject({ attribute: z.string(), in: z.array(value) }),
    z.strictObject({ attribute: z.string(), notIn: z.array(value) }),
    z.strictObject({ attribute: z.string(), absent: z.literal(true).optional() }),
    z.strictObject({ attribute: z.string(), ...range }),
    z.strictObject({ input: z.int(), constant: z.literal(true) }),
    z.strictObject({ input: z.int(), rank: z.array(z.int()) }),
    z.strictObject({ input: z.int(), types: typeList }),
    z.strictObject({ input: z.int(), axis: z.int(), ...range }),
    z.strictObject({ input: z.int(), values: z.strictObject(range) }),
    z.strictObject({ input: z.int(), absent: z.literal(true).optional() }),
    z.strictObject({ output: z.int(), absent: z.literal(true) }),
    z.strictObject({ inputs: z.strictObject({ min: z.int() }) }),
    z.strictObject({ outputs: z.strictObject({ min: z.int() }) }),
    z.strictObject({ any: z.array(condition) }),
    z.strictObject({ all: z.array(condition) }),
    z.strictObject({ not: condition }),
    z.strictObject({ special: z.literal('lastAxisStepIsOne') }),
  ]),
);

const limit = z.strictObject({
  must: condition,
  else: z.enum(['fails', 'aiCpu', 'doubt']),
  because: z.string().min(1),
  opsets: opsets.optional(),
  cann: versionRange.optional(),
  families: z.array(familyName).optional(),
  doubtFrom: z.string().optional(),
  source,
});

const operator = z.strictObject({
  domain: z.string().optional(),
  onnx: z.string().min(1),
  opsets,
  ge: z.union([
    z.string().min(1),
    z.array(
      z.strictObject({
        kernel: z.string().min(1),
        when: condition.optional(),
        cann: versionRange.optional(),
      }),
    ),
  ]),
  limits: z.array(limit).optional(),
  instead: z.string().optional(),
  source,
});

/** Kernel columns, separated by spaces. */
const columns = z.string().regex(/^(?:310P|910B?)(?: (?:310P|910B?))*$/, 'expected columns such as 310P 910');

const kernel = z.strictObject({
  ge: z.string().min(1),
  '310P': typeList,
  '910': typeList,
  '910B': typeList,
  aiCpu: typeList,
  cube: z.boolean().optional(),
  white: columns.optional(),
  black: columns.optional(),
  source,
});

export const operatorFile = z.strictObject({
  format: z.literal(1),
  operators: z.array(operator),
  kernels: z.array(kernel),
});

export const socFile = z.strictObject({
  format: z.literal(1),
  families: z.array(
    z.strictObject({
      name: familyName,
      kernels: z.enum(['310P', '910', '910B']).nullable(),
      cube: typeList,
      cubeFloat32: z.boolean(),
      bfloat16: z.boolean(),
      overflow: z.enum(['saturation', 'infnan']),
      memory: z.enum(['ddr', 'hbm']),
      source,
      unverified: z.array(z.string()),
    }),
  ),
  socs: z.array(
    z.strictObject({
      name: z.string().startsWith('Ascend'),
      family: familyName,
      aliases: z.array(z.string()),
      cubeCores: z.int().nullable(),
      vectorCores: z.int().nullable(),
      memoryBytes: z.int().nullable(),
    }),
  ),
});

export const toolkitFile = z.strictObject({
  format: z.literal(1),
  toolkits: z.array(
    z.strictObject({
      version: z.string(),
      opsets,
      writes: z.literal([13, 17]),
      precisionModeV2: z.boolean(),
      deterministic: z.boolean(),
      rawGeOptions: z.boolean(),
      unregisteredError: z.enum(['E16002', 'E19010']),
      libraries: z.array(z.string()),
      root: z.string(),
      operatorPackage: z.boolean(),
      source,
      unverified: z.array(z.string()),
    }),
  ),
});

export type Limit = z.infer<typeof limit>;
export type Operator = z.infer<typeof operator>;
export type Kernel = z.infer<typeof kernel>;
export type Family = z.infer<typeof socFile>['families'][number];
export type SocRow = z.infer<typeof socFile>['socs'][number];
export type Toolkit = z.infer<typeof toolkitFile>['toolkits'][number];
