import { compile, concat, flip, type HostTensor, hostTensor } from '@omma/core';
import { buildTransforms, carryOut, resample, type TransformOptions } from '@omma/cv';
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
  const tta = new AverageClsScoreTTA({ transforms: [[{ type: 'FiveCrop', size: [4, 6] }]] });
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
  const tta = new AverageClsScoreTTA({ transforms: [[{ type: 'CenterCrop', size: 9 }]] });
  await expect(
    run(({ image: x }) => (x === undefined ? {} : { all: concat(tta.views(x), 0) }), pictures(8)),
  ).rejects.toThrow(
    /ttaModel: CenterCrop is 9x9 but pictures have 8x8; make them larger in the pipeline of ttaDataloader/,
  );
});

it('sees every choice of every stage, each size as one batch', async () => {
  const model = await classifier();
  const image = pictures(8);
  const tta = new AverageClsScoreTTA({
    transforms: [
      [
        { type: 'Resize', size: 12 },
        { type: 'Resize', size: [16, 20] },
      ],
      [],
      [{ type: 'CenterCrop', size: 12 }],
      [
        { type: 'RandomFlip', probability: 0 },
        { type: 'RandomFlip', probability: 1 },
      ],
    ],
  });
  const views = await run(({ image: x }) => {
    if (x === undefined) return {};
    return Object.fromEntries(tta.views(x).map((view, i) => [String(i), view]));
  }, image);
  expect(Object.values(views).map(({ shape }) => shape)).toEqual(Array(4).fill([2, 12, 12, 3]));
  const single = await Promise.all(
    Object.values(views).map((view) => run((inputs) => model.predict(inputs), view)),
  );
  const both = await run((inputs) => tta.predict(model, inputs), image);
  numbers(both.probabilities).forEach((score, i) => {
    const total = single.reduce((sum, { probabilities }) => sum + (probabilities?.data[i] ?? 0), 0);
    expect(score).toBeCloseTo(total / 4, 6);
  });
});

it('resizes to the size and crops at the place that data sets choose, also where these do not come out even', async () => {
  const pixels = Uint8Array.from({ length: 7 * 11 * 3 }, (_, i) => (i * i * 7) % 251);
  const picture = { width: 11, height: 7, channels: 3, data: pixels };
  for (const choice of [
    { type: 'Resize', size: 5 },
    { type: 'CenterCrop', size: 4 },
  ] as const) {
    const tta = new AverageClsScoreTTA({ transforms: [[choice]] });
    const { view } = await run(
      ({ image: x }) => (x === undefined ? {} : { view: concat(tta.views(x), 0) }),
      hostTensor([1, 7, 11, 3], 'uint8', pixels),
    );
    const list: TransformOptions[] = [choice];
    const wanted = carryOut(
      buildTransforms(list),
      picture,
      () => 0.5,
      (plan) => ({ plan, bytes: new Uint8Array(plan.width * plan.height * 3) }),
    );
    expect(view?.shape).toEqual([1, wanted.height, wanted.width, 3]);
    if (choice.type === 'CenterCrop') expect(numbers(view)).toEqual([...wanted.data]);
  }
});

it('resizes as data sets do, to a level', async () => {
  const { data: pixels } = pictures(8);
  const picture = { width: 8, height: 8, channels: 3, data: Uint8Array.from(pixels.subarray(0, 192)) };
  for (const [height, width] of [
    [5, 3],
    [13, 20],
  ] as const) {
    const tta = new AverageClsScoreTTA({ transforms: [[{ type: 'Resize', size: [height, width] }]] });
    const { view } = await run(({ image: x }) => {
      const [view] = x === undefined ? [] : tta.views(x);
      return view === undefined ? {} : { view };
    }, pictures(8));
    const region = { left: 0, top: 0, width: 8, height: 8 };
    const wanted = resample(picture, { region, width, height, flip: false });
    const found = numbers(view).slice(0, wanted.length);
    // Weights in fixed point there, in float32 here: where a sum lies next to a half they may round apart, in either pass.
    expect(
      Math.max(...found.map((level, i) => Math.abs(Number(level) - (wanted[i] ?? 0)))),
    ).toBeLessThanOrEqual(1);
  }
});
