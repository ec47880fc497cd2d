/**
 * Every op of the table and its gradient, in the dialect of three chips: the operator table puts no node of them on `fails`, what leaves AI
 * Core is listed here with its operator, and the numbers are those of the reference device when ONNX Runtime computes them.
 */

import { allOps, type Graph, isFloat, type OpDefinition, toNumeric } from '@omma/core';
import '@omma/cv';
import { cannDialect, checkModel, targetFor } from '@omma/ascend';
import { buildStep } from '@omma/onnx';
import { describe, expect, it } from 'vitest';
import { present, runModel, runReference } from '../../../packages/onnx/test/run.ts';
import {
  floatInputs,
  forwardGraph,
  gradientGraph,
  inputName,
  inputValues,
  outputTypes,
  type SampledOp,
  samplesOf,
} from '../../src/conformance/sampleGraph.ts';

/** What is left to the AI CPU: bfloat16 values are rounded by casts where AI Core has no bfloat16, and 910A sorts float16 only. */
const targets = [
  { soc: 'Ascend910B3', cann: '8.1.RC1', aiCpu: [], halves: false },
  { soc: 'Ascend310P3', cann: '8.1.RC1', aiCpu: ['Cast'], halves: true },
  { soc: 'Ascend910A', cann: '6.0.1', aiCpu: ['Cast', 'TopK'], halves: true },
] as const;

/** The graphs of a sample: forward, and the gradient where the op has one that can be asked for here. */
function graphsOf(definition: OpDefinition, sample: SampledOp): Graph[] {
  const differentiable =
    typeof definition.grad !== 'object' &&
    definition.name !== 'customGrad' &&
    floatInputs(sample).length > 0 &&
    outputTypes(sample).some(({ dtype, shape }) => isFloat(dtype) && !shape.includes(0));
  return differentiable ? [forwardGraph(sample), gradientGraph(sample)] : [forwardGraph(sample)];
}

/** float16 has 11 bits and bfloat16 8; products of a chip without float32 are float16. Sums of a sample have some ten terms. */
function tolerance(graph: Graph, halves: boolean): number {
  const has = (name: string) => graph.values.some(({ dtype }) => dtype === name);
  if (has('bfloat16')) return 4e-2;
  return halves || has('float16') ? 6e-3 : 1e-4;
}

describe.each(targets)('$soc, CANN $cann', ({ soc, cann, aiCpu, halves }) => {
  const target = targetFor(soc, cann);
  const dialect = cannDialect(target);

  const compare = async (graph: Graph, sample: SampledOp) => {
    const inputs = Object.fromEntries(inputValues(sample).map((value, i) => [inputName(i), value]));
    const model = buildStep(graph, dialect);
    const { nodes } = checkModel(model.bytes, target, model.origin);
    const elsewhere = nodes.filter(({ verdict }) => verdict.place !== 'aiCore' || verdict.doubt !== null);
    for (const { opType, verdict } of elsewhere) {
      expect(verdict.place, `${opType}: ${verdict.reason} ${verdict.doubt ?? ''}`).toBe('aiCpu');
      expect(aiCpu).toContain(opType);
    }
    // ONNX Runtime's JavaScript binding holds no bfloat16.
    if (dialect.element('bfloat16') === 'bfloat16' && graph.values.some(({ dtype }) => dtype === 'bfloat16'))
      return;
    const actual = await runModel(model, new Map(), inputs, 1);
    const expected = await runReference(graph, new Map(), inputs);
    for (const { name } of graph.outputs) {
      const [a, b] = [present(actual[name]), present(expected[name])];
      const [found, wanted] = [toNumeric(a.dtype, a.data), toNumeric(b.dtype, b.data)];
      const sizes = Array.from(wanted, (value) => (Number.isFinite(value) ? Math.abs(value) : 0));
      const allowed = isFloat(b.dtype) ? tolerance(graph, halves) * Math.max(1, ...sizes) : 0;
      for (const [i, value] of wanted.entries()) {
        const own = found[i] ?? Number.NaN;
        const same = Object.is(own, value) || own === value || Math.abs(own - value) <= allowed;
        if (!same) throw new Error(`${sample.label}: ${name}[${i}] is ${own} but should be ${value}`);
      }
    }
  };

  it.each(allOps().map((definition) => [definition.name, definition] as const))(
    '%s',
    async (_, definition) => {
      for (const sample of samplesOf(definition)) {
        for (const graph of graphsOf(definition, sample)) await compare(graph, sample);
      }
    },
  );
});
