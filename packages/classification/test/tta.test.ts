import { compile, concat, flip, type HostTensor, hostTensor } from '@omma/core';
import { initialize } from '@omma/nn';
import { expect, it } from 'vitest';
import {
  AverageClsScoreTTA,
  GlobalAveragePooling,
  ImageClassifier,
  LinearClsHead,
  ResNet,
} from '../src/index.ts';

const pictures = (size: number) =>
  hostTensor(
    [2, size, size, 3],
    'uint8',
    Uint8Array.from({ length: 2 * size * size * 3 }, (_, i) => (i * i * 7) % 251),
  );

async function classifier(): Promise<ImageClassifier> {
  const backbone = new ResNet({ depth: 18, stem: 'cifar', baseChannels: 4, stemChannels: 4 });
  const head = new LinearClsHead({ numClasses: 3, inChannels: backbone.outChannels });
  const model = new ImageClassifier({ backbone, neck: new GlobalAveragePooling(), head });
  model.assignNames();
  model.eval();
  await initialize(model, 1);
  return model;
}

const run = (fn: Parameters<typeof compile>[0], image: HostTensor) =>
  compile(fn, { device: 'reference' })({ image });
const numbers = (tensor?: HostTensor) => [...(tensor?.data ?? [])];

it('averages the class scores of a picture and its mirror image', async () => {
  const model = await classifier();
  const image = pictures(8);
  const plain = await run((inputs) => model.predict(inputs), image);
  const mirrored = await run(
    ({ image: x }) => (x === undefined ? {} : model.predict({ image: flip(x, [2]) })),
    image,
  );
  const both = await run((inputs) => new AverageClsScoreTTA().predict(model, inputs), image);
  expect(both.probabilities?.shape).toEqual([2, 3]);
  numbers(both.probabilities).forEach((score, i) => {
    const mean = ((plain.probabilities?.data[i] ?? 0) + (mirrored.probabilities?.data[i] ?? 0)) / 2;
    expect(score).toBeCloseTo(mean, 6);
    expect(both.logits?.data[i]).toBeCloseTo(Math.log(mean), 5);
  });
});

it('sees the four corners and the centre', async () => {
  const tta = new AverageClsScoreTTA({ fiveCrop: [4, 6], flip: false });
  const image = pictures(8);
  const { all } = await run(
    ({ image: x }) => (x === undefined ? {} : { all: concat(tta.views(x), 0) }),
    image,
  );
  expect(all?.shape).toEqual([10, 4, 6, 3]);
  const first = (view: number) => all?.data[view * 2 * 4 * 6 * 3];
  const pixel = (y: number, x: number) => image.data[(y * 8 + x) * 3];
  expect([0, 1, 2, 3, 4].map(first)).toEqual([
    pixel(0, 0),
    pixel(0, 2),
    pixel(4, 0),
    pixel(4, 2),
    pixel(2, 1),
  ]);
});

it('refuses crops that are larger than the pictures', async () => {
  const tta = new AverageClsScoreTTA({ fiveCrop: 9 });
  await expect(
    run(({ image: x }) => (x === undefined ? {} : { all: concat(tta.views(x), 0) }), pictures(8)),
  ).rejects.toThrow(/fiveCrop is 9x9 but pictures have 8x8/);
});
