/** A table that grows, gets columns, and is taken up again by a run that goes on. */

import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CsvFile } from '../../src/log/csvFile.ts';

const file = async (text?: string) => {
  const path = join(await mkdtemp(join(tmpdir(), 'omma-csv-')), 'vis_data', 'train.csv');
  const csv = new CsvFile(path);
  if (text !== undefined) {
    await csv.append(['step'], []);
    await writeFile(path, text);
  }
  return { path, csv: new CsvFile(path), text: () => readFile(path, 'utf8') };
};

describe('a CSV file', () => {
  it('has a header once, a row after the other, and a column at the end for a name that comes later', async () => {
    const { csv, text } = await file();
    await csv.begin(0);
    await csv.append(['step', 'loss'], [['1', '0.5']]);
    await csv.append(['step', 'loss'], [['2', '0.4']]);
    expect(await text()).toBe('step,loss\n1,0.5\n2,0.4\n');
    await csv.append(['step', 'loss', 'a,"b'], [['3', '', '9'], ['4']]);
    expect(await text()).toBe('step,loss,"a,""b"\n1,0.5,\n2,0.4,\n3,,9\n4,,\n');
  });

  it('that is there keeps its columns and loses the rows that are repeated', async () => {
    const { csv, text } = await file('step,"a,""b",loss\n1,7,0.5\n2,,0.4\n3,,0.3\n');
    await csv.begin(2);
    await csv.append(['step', 'loss', 'a,"b'], [['3', '0.2', '8']]);
    expect(await text()).toBe('step,"a,""b",loss\n1,7,0.5\n2,,0.4\n3,8,0.2\n');
  });

  it.each([
    ['a row that was not written to its end', 'step,loss\n1,0.5\n2,0.', 5, 'step,loss\n1,0.5\n'],
    ['everything but the header', 'step,loss\n1,0.5\n2,0.4\n', 0, 'step,loss\n'],
    ['nothing where all is kept', 'step,loss\n1,0.5\n', 1, 'step,loss\n1,0.5\n'],
    ['a header that was not written to its end', 'step,lo', 9, ''],
  ])('is cut: %s', async (_what, before, step, after) => {
    const { csv, text } = await file(before);
    await csv.begin(step);
    expect(await text()).toBe(after);
    await csv.append(['step', 'loss'], [['9', '1']]);
    expect(await text()).toBe(`${after === '' ? 'step,loss\n' : after}9,1\n`);
  });

  it('of any length is cut at the right row', async () => {
    const rows = Array.from({ length: 30_000 }, (_, i) => `${i + 1},${'x'.repeat(i % 17)}\n`);
    for (const step of [29_999, 20_000, 1234, 0]) {
      const { csv, text } = await file(`step,loss\n${rows.join('')}`);
      await csv.begin(step);
      expect(await text()).toBe(`step,loss\n${rows.slice(0, step).join('')}`);
    }
  });

  it('of any length gets a column, in pieces, and nothing is left beside it', async () => {
    const cells = Array.from({ length: 60_000 }, (_, i) => `${i + 1},"ä${'x'.repeat(i % 37)}"`);
    const { path, csv, text } = await file(`step,note\n${cells.join('\n')}\n60001,0.`);
    await csv.begin(60_000);
    await csv.append(['step', 'note', 'ü', 'b'], [['60001', '', '2', '3']]);
    expect(Buffer.byteLength(await text())).toBeGreaterThan(1.5 * 2 ** 20);
    expect(await text()).toBe(`step,note,ü,b\n${cells.map((row) => `${row},,\n`).join('')}60001,,2,3\n`);
    expect(await readdir(dirname(path))).toEqual(['train.csv']);
  });
});
