import { device } from '@omma/core';
import { buildTrainState, compileTrainStep } from '@omma/engine';
import { expect, it } from 'vitest';
import { GlobalAveragePooling, ImageClassifier, LinearClsHead, ResNet } from '../src/index.ts';

function trainStep(frozenStages: number) {
  const backbone = new ResNet({
    depth: 18,
    stem: 'cifar',
    baseChannels: 2,
    stemChannels: 2,
    numStages: 2,
    strides: [1, 2],
    dilations: [1, 1],
    outIndices: [1],
    frozenStages,
  });
  const head = new LinearClsHead({ numClasses: 2, inChannels: backbone.outChannels });
  const model = new ImageClassifier({ backbone, neck: new GlobalAveragePooling(), head });
  model.assignNames();
  const optimizer = { type: 'SGD', lr: 0.1, momentum: 0.9 } as const;
  const state = buildTrainState(model, { optimizer }, { seed: 0, amp: null, capabilities: {} });
  const step = compileTrainStep(state, { device: device('reference'), amp: null, clipGrad: null });
  return { model, state, step };
}

const inputs = {
  image: { shape: [2, 4, 4, 3], dtype: 'uint8' },
  label: { shape: [2], dtype: 'int32' },
  lr: { shape: [], dtype: 'float32' },
} as const;

it('frozen stages have no gradient in the graph, no moments, and nothing writes their state', () => {
  const frozen = /^backbone\.(conv1|bn1|layer1)\b/;
  const of = (frozenStages: number) => {
    const { state, step } = trainStep(frozenStages);
    const graph = step.graph(inputs);
    return {
      gradients: graph.nodes.filter(({ op, scope }) => /Grad$/.test(op) && frozen.test(scope)).length,
      written: graph.state.filter(({ name, write }) => write !== null && frozen.test(name)).length,
      moments: state.optimizers
        .flatMap(({ optimizer }) => optimizer.variables())
        .filter(({ name }) => frozen.test(name.slice('optimizer.'.length))).length,
    };
  };
  expect(of(1)).toEqual({ gradients: 0, written: 0, moments: 0 });
  const { gradients, written, moments } = of(-1);
  expect(Math.min(gradients, written, moments)).toBeGreaterThan(0);
});
