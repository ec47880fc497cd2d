/** The readers of files against damaged ones: a thousand cases and more, made of sound files with a seed, so the same ones every time. */

import { OmmaError } from '@omma/core';
import { afterAll, describe, expect, it } from 'vitest';
import { type Outcome, runCase } from '../src/fuzz/runCase.ts';
import type { Target } from '../src/fuzz/target.ts';
import { targets } from '../src/fuzz/targets/index.ts';
import { removeTemporaryFiles } from '../src/fuzz/temporary.ts';

afterAll(removeTemporaryFiles);

/** Cases a reader: fewer where one takes milliseconds. */
const cases: Readonly<Record<string, number>> = {
  pytorch: 400,
  safetensors: 400,
  onnx: 300,
  set: 200,
  tar: 200,
  zip: 200,
  log: 20,
};
const fewest = 60;

describe('damaged files', () => {
  it.each(targets)('$name: read or refused, and nothing else', async (target) => {
    const outcomes: Outcome[] = [];
    for (let number = 0; number < (cases[target.name] ?? fewest); number++) {
      const { outcome, finding } = await runCase(target, 2, number);
      expect(finding).toBeNull();
      outcomes.push(outcome);
    }
    // A line that is none is passed over, so no log is refused.
    if (target.name !== 'log') expect(outcomes).toContain('refused');
  });

  it.each(targets)('$name: what cases are made of is read', async (target) => {
    for (const seed of await target.seeds()) {
      const refusal = await target.run(seed).catch((error: unknown) => error);
      // A checksum of zeros is the one seed that must be refused.
      if (refusal !== undefined)
        expect(refusal).toMatchObject({ message: expect.stringMatching(/checksum/) });
    }
  });
});

describe('the judge', () => {
  const planted = (run: Target['run']): Target => ({
    name: 'planted',
    seeds: async () => [Uint8Array.of(1)],
    damage: (seed) => seed,
    run,
  });

  it('finds exceptions that are no refusals, and memory that a file is not worth', async () => {
    const broken = await runCase(
      planted(async () => {
        throw new TypeError('undefined is not a function');
      }),
      1,
      1,
    );
    expect(broken.finding).toMatchObject({
      kind: 'exception',
      text: expect.stringContaining('undefined is not'),
    });
    let kept = new Uint8Array();
    const greedy = await runCase(
      planted(async () => {
        kept = new Uint8Array(600 * 2 ** 20);
      }),
      1,
      2,
    );
    expect([kept.length > 0, greedy.finding?.kind]).toEqual([true, 'memory']);
    const refused = await runCase(
      planted(async () => {
        throw new OmmaError('no');
      }),
      1,
      3,
    );
    expect(refused).toEqual({ outcome: 'refused', finding: null });
  });
});
