/** What stands around the parts of programs in the documents, so that they can be compiled. */

/** `part` is a text of the block, `around` the module with `%` in its place. */
export const surroundings: readonly { readonly part: string; readonly around: string }[] = [
  {
    part: 'infer: ([x], { b }) => {',
    around: `import { ShapeError, type OpDefinition } from '@omma/core';
      export const op: Pick<OpDefinition<{ b: number }>, 'infer'> = {\n%\n};`,
  },
  {
    part: "extends: './resnet18_flowers.ts'",
    around: `import type {} from '@omma/classification';\nimport { defineConfig } from '@omma/engine';\n%`,
  },
  {
    part: "registerByteSource('myproto'",
    around: `import { registerByteSource } from '@omma/storage';
      declare const size: number, version: string, bytes: Uint8Array;\n%`,
  },
  {
    part: 'const shard = await openArchive',
    around: `import { openArchive, openByteSource } from '@omma/storage';\n%\nexport { bytes };`,
  },
  {
    part: 'const hook: Hook = {',
    around: `import { Drawing, type Picture } from '@omma/cv';\nimport type { Hook } from '@omma/engine';
      declare const picture: Picture;\n%\nexport { hook };`,
  },
  {
    part: 'mine(batch, outputs, row)',
    around: `import type { Bbox, Picture } from '@omma/cv';
      declare function mine(...of: unknown[]): { picture: Picture; boxes: Bbox[]; masks: Uint8Array[]; labels: number[] };\n%`,
  },
  {
    part: 'setUp({ add }: TrainSetup)',
    around: `import { Variable } from '@omma/core';\nimport type { TrainSetup } from '@omma/engine';
      export class Counting {\n%\n}`,
  },
  {
    part: 'const { modules } = modelComplexity',
    around: `import type { ImageClassifier } from '@omma/classification';\ndeclare const model: ImageClassifier;\n%\nexport { whole };`,
  },
  {
    part: 'ImageClassificationInferencer.open(',
    around: `declare const bytes: Uint8Array;\n%\nexport { photo, upload };`,
  },
  {
    part: 'hooks: [myHook]',
    around: `import type { Hook } from '@omma/engine';\ndeclare const myHook: Hook;\n%\nexport { end, metrics };`,
  },
];

/** Of the keys of a config that are not at its top: the type of what they stand in. */
export const placesInConfig: Readonly<Record<string, string>> = {
  dataset: "Partial<NonNullable<Config['trainDataloader']>>",
  paramwiseConfig: "Partial<NonNullable<Config['optimWrapper']>>",
  backbone: "Partial<Config['model']>",
  head: "Partial<Config['model']>",
};
