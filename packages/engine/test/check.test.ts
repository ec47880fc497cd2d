/** The check before training: what is wrong is found, named and counted, and what is right is left alone. */

import { describe, expect, it } from 'vitest';
import { checkAnnotations, checkBox, checkDataset, quickWarning } from '../src/index.ts';
import { Stripes } from './support/stripes.ts';

describe('boxes', () => {
  const picture = { width: 100, height: 50 };

  it('that are right are left alone, a pixel beyond the picture included', () => {
    expect(checkBox([0, 0, 100, 50], picture)).toBeNull();
    expect(checkBox([0, 0, 101, 50], picture)).toBeNull();
    expect(checkBox([10, 10, 0.5, 0.5])).toBeNull();
  });

  it('that are wrong are told apart', () => {
    const kinds = [
      [10, 10, 0, 5],
      [10, 10, -4, 5],
      [90, 10, 40, 5],
      [-5, 10, 10, 5],
      [10, 10, Number.NaN, 5],
      [10, 10, 5],
    ].map((box) => checkBox(box, picture)?.kind);
    expect(kinds).toEqual([
      'emptyBox',
      'invertedBox',
      'outsideBox',
      'outsideBox',
      'invalidBox',
      'invalidBox',
    ]);
  });
});

it('annotations: duplicate ids, unknown pictures and classes, each with its name', () => {
  const problems = checkAnnotations({
    images: [
      { id: 1, fileName: 'a.jpg', width: 100, height: 50 },
      { id: 2, fileName: 'b.jpg' },
      { id: 2, fileName: 'c.jpg' },
    ],
    categoryIds: [1, 2],
    annotations: [
      { id: 1, imageId: 1, categoryId: 1, bbox: [0, 0, 10, 10] },
      { id: 1, imageId: 1, categoryId: 9, bbox: [5, 5, -1, 3] },
      { id: 3, imageId: 7, categoryId: 2 },
    ],
  });
  expect(problems.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'duplicate image id 2',
    'duplicate annotation id 1',
    'unknownClass annotation 1 of a.jpg',
    'invertedBox annotation 1 of a.jpg',
    'unknownImage annotation 3',
  ]);
});

describe('data sets', () => {
  it('that list a sample with two labels are told both', async () => {
    class Twice extends Stripes {
      override nameOf(index: number): string {
        return index === 5 ? 'stripes/2.png' : index === 4 ? 'stripes/0.png' : super.nameOf(index);
      }
    }
    const { problems } = await checkDataset(new Twice({ length: 6 }), { quick: true });
    expect(problems.map(({ name, message }) => `${name} ${message}`)).toEqual([
      'stripes/0.png comes 2 times',
      'stripes/2.png comes 2 times, with different labels: horizontal, vertical',
    ]);
  });

  it('are decoded whole: unreadable samples, in their order, and the classes counted', async () => {
    const report = await checkDataset(new Stripes({ length: 9, corrupt: [7, 2] }));
    expect(report.samples).toBe(9);
    expect(report.classes).toEqual([
      { name: 'horizontal', samples: 5 },
      { name: 'vertical', samples: 4 },
    ]);
    expect(report.problems).toEqual([
      { kind: 'unreadable', name: 'stripes/2.png', message: 'stripes/2.png: truncated' },
      { kind: 'unreadable', name: 'stripes/7.png', message: 'stripes/7.png: truncated' },
    ]);
  });

  it('are not decoded by the quick form, which finds missing files, unknown and empty classes, duplicates', async () => {
    class Odd extends Stripes {
      override nameOf(index: number): string {
        return `stripes/${index % 4}.png`;
      }
      override labelOf(index: number): number {
        return index === 0 ? 5 : 0;
      }
      problemOf(index: number): string | null {
        return index === 3 ? 'is missing' : null;
      }
    }
    const dataset = new Odd({ length: 5, corrupt: [1] });
    const { problems } = await checkDataset(dataset, { quick: true });
    expect(problems.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'duplicate stripes/0.png',
      'unknownClass stripes/0.png',
      'emptyClass vertical',
      'missing stripes/3.png',
    ]);
    expect(quickWarning(dataset)).toMatch(/1 of 5 files .*: stripes\/3\.png is missing; `omma data check/);
    expect(quickWarning(new Stripes({ length: 5 }))).toBeNull();
  });
});
