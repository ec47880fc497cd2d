/** The parts of the hub: what a collective gives each member, and what is left under keys. */

import { bytesOf } from '@omma/core';
import { describe, expect, it, vi } from 'vitest';
import { KeyStore } from '../../src/distributed/keyStore.ts';
import type { Call } from '../../src/distributed/messages.ts';
import { carriedOut } from '../../src/distributed/rounds.ts';

const call = (name: Call['name'], change: Partial<Call> = {}): Call => ({
  sequence: 0,
  name,
  dtype: 'float32',
  op: 'sum',
  root: 0,
  ...change,
});
const body = (...values: readonly number[]) => bytesOf(Float32Array.from(values));

describe('a collective that cannot be carried out is a reason, not an exception', () => {
  it.each([
    [
      'bytes that are no elements',
      call('allReduce'),
      [new Uint8Array(3), new Uint8Array(3)],
      /3 bytes are no/,
    ],
    ['parts that are no elements', call('reduceScatter'), [body(1), body(2)], /cannot be divided between 2/],
    ['a root that is not there', call('broadcast', { root: 2 }), [body(1), body(2)], /there is no rank 2/],
  ])('%s', (_, what, bodies, reason) => {
    expect(carriedOut(what, bodies)).toMatch(reason);
  });

  it('max and min find a NaN on whichever rank it is', () => {
    for (const op of ['max', 'min'] as const) {
      const result = carriedOut(call('allReduce', { op }), [body(Number.NaN, 1), body(1, Number.NaN)]);
      if (typeof result === 'string') throw new Error(result);
      expect([...new Float32Array(result(0).slice().buffer)]).toEqual([Number.NaN, Number.NaN]);
    }
  });
});

describe('values under keys', () => {
  it('are given to those that wait and those that come later', () => {
    const store = new KeyStore(1000);
    const got: number[] = [];
    const asking = { answer: ([value = -1]: Uint8Array) => got.push(value), late: () => got.push(-2) };
    store.get('a', asking);
    expect(store.set('a', Uint8Array.of(7))).toBeNull();
    store.get('a', asking);
    expect(got).toEqual([7, 7]);
  });

  it('are bounded: what would fill the memory of rank 0 is refused', () => {
    const store = new KeyStore(1000);
    const half = new Uint8Array(33 * 2 ** 20);
    expect(store.set('a', half)).toBeNull();
    expect(store.set('a', half)).toBeNull();
    expect(store.set('b', half)).toMatch(/^b of \d+ bytes is too much/);
    store.clear();
    expect(store.set('b', half)).toBeNull();
  });

  it('are waited for no longer once they are forgotten', () => {
    vi.useFakeTimers();
    const late = vi.fn();
    const store = new KeyStore(1000);
    store.get('a', { answer: late, late });
    store.clear();
    vi.advanceTimersByTime(2000);
    expect(late).not.toHaveBeenCalled();
    vi.useRealTimers();
  });
});
