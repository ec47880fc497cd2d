/** The watch over memory: growth is told from noise, and a run is watched. */

import '@omma/classification';
import { describe, expect, it } from 'vitest';
import { growthOf, type MemorySample } from '../src/soak/growth.ts';
import { MemoryWatch } from '../src/soak/memoryWatch.ts';
import { soak } from '../src/soak/soak.ts';

const sample = (step: number, rss: number): MemorySample => ({
  step,
  seconds: step,
  rss,
  own: rss,
  heap: 1,
  external: 1,
  files: 20,
});

describe('growth', () => {
  it('is a slope over the last two thirds, which a settling first third and single peaks do not move', () => {
    const samples = Array.from({ length: 30 }, (_, i) => {
      const settling = i < 10 ? 50 * (i - 10) : 0;
      const peak = i % 7 === 0 ? 40 : 0;
      return sample(1000 * i, 200 + settling + peak + 0.02 * i);
    });
    const growth = growthOf(samples, 'rss');
    expect(growth?.slope).toBeCloseTo(2, 1);
    expect(growth?.thirds[0]).toBeLessThan(0);
    expect(growth?.thirds[2]).toBeCloseTo(200 + 40 / 5 + 0.02 * 24.5, 0);
    expect(growthOf(samples, 'heap')).toEqual({ thirds: [1, 1, 1], slope: 0 });
    expect(growthOf(samples.slice(0, 5), 'rss')).toBeNull();
  });
});

it('a run is watched, and ends when its time is over', async () => {
  const watch = new MemoryWatch({ every: 1, seconds: 0 });
  const end = await soak({ workers: 0, steps: 400, device: 'reference' }, watch);
  expect([end.reason, watch.samples.length]).toEqual(['stopped', 1]);
  const [{ step, rss, heap } = sample(0, 0)] = watch.samples;
  expect(step).toBe(1);
  expect(rss).toBeGreaterThan(heap);
  expect(heap).toBeGreaterThan(1);
});
