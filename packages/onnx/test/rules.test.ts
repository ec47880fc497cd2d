/** Every op of the table that an inference graph can hold means the same in ONNX Runtime: checked from the op's own samples, at both opsets. */

import {
  type Attributes,
  allOps,
  applyOp,
  device,
  fromNumeric,
  type HostTensor,
  hostTensor,
  isFloat,
  numericArray,
  OmmaError,
  type OpDefinition,
  prepare,
  type Sample,
  sizeOf,
  trace,
} from '@omma/core';
import '@omma/cv';
import { describe, expect, it } from 'vitest';
import { checkOnnx, exportOnnx, ruleNames } from '../src/index.ts';

/** Deterministic numbers in [0, 1). */
function noise(seed: number, i: number): number {
  const x = Math.sin(seed * 127.1 + i * 311.7 + 1) * 43758.5453;
  return x - Math.floor(x);
}

function sampleInputs(sample: Sample<Attributes>): Record<string, HostTensor> {
  return Object.fromEntries(
    sample.inputs.map(({ shape, dtype = 'float32', low = -1, high = 1, values }, n) => {
      const data = numericArray(dtype, sizeOf(shape));
      for (let i = 0; i < data.length; i++) {
        const value = values?.[i] ?? low + (high - low) * noise(n + 1, i);
        data[i] = isFloat(dtype) ? value : Math.floor(value);
      }
      return [`input${n}`, hostTensor(shape, dtype, fromNumeric(dtype, data))];
    }),
  );
}

/** Ops that ONNX at this opset has no words for, and why that is no loss in an inference graph. */
const noWords: Readonly<Record<string, string>> = {
  conv2dWeightGrad: 'training only',
  maxPool2dGrad: 'training only',
  avgPool2dGrad: 'training only',
  batchNormTrain: 'training only',
  batchNormTrainGrad: 'training only',
  roiAlignGrad: 'training only',
  roiPoolGrad: 'training only',
  gridSampleGrad: 'training only',
  deformUnfoldGrad: 'training only',
  indexAdd: 'training only',
  fold: 'training only',
  randomBits: 'random',
  randomUniform: 'random',
  randomNormal: 'random',
  deformUnfold: 'ONNX has deformable convolution from opset 19 on',
  deformConv2d: 'ONNX has deformable convolution from opset 19 on',
};

async function check(definition: OpDefinition, sample: Sample<Attributes>, opset: number) {
  const inputs = sampleInputs(sample);
  const graph = trace((symbols) => {
    const outputs = applyOp(definition, Object.values(symbols), sample.attrs);
    return Object.fromEntries(outputs.map((output, i) => [`output${i}`, output]));
  }, inputs);
  const bytes = exportOnnx(graph, { weights: {}, opset });
  const reference = device('reference');
  const executable = await reference.compile(
    prepare(graph, reference, { amp: null, onUnsupported: 'error' }),
    {
      state: new Map(),
    },
  );
  return checkOnnx(bytes, inputs, await executable.run(inputs));
}

describe.each([17, 13])('opset %i', (opset) => {
  for (const definition of allOps()) {
    it(definition.name, async () => {
      for (const sample of definition.samples) {
        // ONNX Runtime's CPU provider computes little in 16 bits, and its JavaScript binding has no bfloat16.
        const text = JSON.stringify(sample);
        if (text.includes('float16')) continue;
        try {
          const { largestRelative } = await check(definition, sample, opset);
          expect(largestRelative, text).toBeLessThan(1e-4);
        } catch (error) {
          if (!(error instanceof OmmaError) || !/cannot be written in ONNX/.test(error.message)) throw error;
          const known =
            noWords[definition.name] ??
            (opset === 13 && ruleNames().includes(definition.name) ? 'opset 17' : null);
          expect(known, error.message).not.toBeNull();
        }
      }
    });
  }
});
