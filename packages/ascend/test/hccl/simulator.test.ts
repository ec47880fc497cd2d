/** The simulated HCCL rule by rule, by calls of its C functions from real processes. */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toBfloat16, toFloat16 } from '@omma/core';
import { afterAll, describe, expect, it } from 'vitest';
import { missingInSimulator, simulatorHome } from '../support/simulator.ts';

const program = fileURLToPath(new URL('./support/rank.mjs', import.meta.url));
const missing = missingInSimulator('lib64/libascendcl.so', 'lib64/libhccl.so');
const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  /** What the scenario gave; null when the process was killed. */
  readonly result: Readonly<Record<string, unknown>> | null;
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'omma-hccl-'));
  folders.push(made);
  return made;
}

/** Runs ranks 0 to `start - 1` of `size` and waits for all of them. */
function run(
  scenario: string,
  size: number,
  { env = {}, start = size, at = folder() }: { env?: NodeJS.ProcessEnv; start?: number; at?: string } = {},
): Promise<Ended[]> {
  const ranks = Array.from({ length: start }, (_, rank) => {
    const child = spawn(process.execPath, [program, scenario, String(rank), String(size), at], {
      env: {
        ...process.env,
        ASCEND_TOOLKIT_HOME: simulatorHome,
        OMMA_ASCEND_SIM_SOC: 'Ascend910B3',
        OMMA_ASCEND_SIM_DEVICES: '8',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 40_000,
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    return new Promise<Ended>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) =>
        resolve({ code, signal, result: text === '' ? null : JSON.parse(text) }),
      );
    });
  });
  return Promise.all(ranks);
}

const codeOf = (value: unknown) => Reflect.get(Object(value), 'code');
const textOf = (value: unknown) => String(Reflect.get(Object(value), 'text'));
const secondsOf = (value: unknown) => Number(Reflect.get(Object(value), 'seconds'));

describe.skipIf(missing !== null)('the simulated HCCL', { timeout: 60_000 }, () => {
  it('reduces, gathers, scatters and broadcasts between three processes, with the same bits on all', async () => {
    const ranks = await run('collectives', 3);
    const results = ranks.map(({ result }) => result ?? {});
    const expected = { sum: [6, 30, 18], max: [3, 20, 7], min: [1, 0, 5] };
    for (const [op, values] of Object.entries(expected)) {
      for (const result of results) {
        expect(result[`float32 ${op}`]).toEqual(values);
        expect(result[`int32 ${op}`]).toEqual(values);
        expect(result[`float16 ${op}`]).toEqual(values.map(toFloat16));
        expect(result[`bfloat16 ${op}`]).toEqual(values.map(toBfloat16));
      }
    }
    const long = Array.from({ length: 100_003 }, (_, i) =>
      [0, 1000, 2000].reduce((sum, shift) => Math.fround(sum + Math.fround(Math.sin(i + shift))), 0),
    ).filter((_, i) => i % 9973 === 0);
    for (const result of results) {
      expect(result.long).toEqual(long);
      expect(result.allGather).toEqual([0, 100, 1, 101, 2, 102]);
      expect(result.broadcast).toEqual([6, 306]);
      expect(result.destroyedAgain).toBe(1);
    }
    expect(results.map(({ reduceScatter }) => reduceScatter)).toEqual([
      [0, 300],
      [3, 303],
      [6, 306],
    ]);
  });

  it('has the operations of the ABI that Omma does not need, or says that they are not simulated', async () => {
    const ranks = await run('others', 3);
    expect(ranks.map(({ result }) => result?.reduce)).toEqual([
      [0, 0, 0],
      [30, 33, 36],
      [0, 0, 0],
    ]);
    expect(ranks.map(({ result }) => result?.scatter)).toEqual([[10], [11], [12]]);
    expect(ranks.map(({ result }) => result?.allToAll)).toEqual([
      [0, 10, 20],
      [1, 11, 21],
      [2, 12, 22],
    ]);
    expect(ranks.map(({ result }) => result?.ring)).toEqual([[20], [0], [10]]);
    for (const { result } of ranks) {
      expect(codeOf(result?.notSimulated)).toBe(5);
      expect(textOf(result?.notSimulated)).toContain('HcclBatchSendRecv is not simulated');
    }
  });

  it('puts collectives on the stream: the call returns at once, the stream waits for the other rank', async () => {
    const [first] = await run('asynchronous', 2);
    expect(first?.result).toMatchObject({ busy: true, value: [3] });
    expect(secondsOf(first?.result?.call)).toBeLessThan(0.2);
    expect(secondsOf(first?.result?.wait)).toBeGreaterThan(0.1);
  });

  it('says what differs when ranks call different things', async () => {
    const ranks = await run('inconsistent', 2);
    for (const { result } of ranks) {
      expect(codeOf(result?.call)).toBe(0);
      expect(codeOf(result?.wait)).not.toBe(0);
    }
    const texts = ranks.map(({ result }) => textOf(result?.wait)).join('\n');
    expect(texts).toMatch(/EI0005: The arguments .* inconsistent .*HcclAllReduce/);
    expect(ranks.some(({ result }) => result?.asynchronous === 1)).toBe(true);
  });

  it('a rank that is killed gives the others an error at once', async () => {
    const [first, second] = await run('untilFailure', 2, { env: { OMMA_ASCEND_SIM_FAULT: 'killrank:1:4' } });
    expect(second).toMatchObject({ signal: 'SIGKILL', result: null });
    expect(first?.result).toMatchObject({ done: 3, asynchronous: 21 });
    expect(codeOf(first?.result?.wait)).toBe(507000);
    expect(textOf(first?.result?.wait)).toMatch(/remote rank: \[1\]/);
    expect(secondsOf(first?.result?.wait)).toBeLessThan(2);
  });

  it('or after HCCL_EXEC_TIMEOUT, where the loss does not show', async () => {
    const env = {
      OMMA_ASCEND_SIM_FAULT: 'killrank:1:4',
      OMMA_ASCEND_SIM_HCCL_LOSS: 'silent',
      HCCL_EXEC_TIMEOUT: '1',
    };
    const [first] = await run('untilFailure', 2, { env });
    expect(first?.result).toMatchObject({ done: 3, asynchronous: 9 });
    expect(codeOf(first?.result?.wait)).toBe(107020);
    expect(secondsOf(first?.result?.wait)).toBeGreaterThan(0.9);
    expect(secondsOf(first?.result?.wait)).toBeLessThan(4);
  });

  it('a rank that never comes ends the others after the connection timeout', async () => {
    const [first] = await run('joining', 2, { start: 1, env: { OMMA_ASCEND_SIM_HCCL_CONNECT_MS: '300' } });
    expect(codeOf(first?.result)).toBe(9);
    expect(secondsOf(first?.result)).toBeLessThan(3);
  });

  it('refuses a connection timeout that the real library refuses', async () => {
    const [first] = await run('root', 1, { env: { HCCL_CONNECT_TIMEOUT: '5' } });
    expect(codeOf(first?.result)).toBe(1);
    expect(textOf(first?.result)).toMatch(/EI0001: .*HCCL_CONNECT_TIMEOUT.*from 120 to 7200 but is "5"/);
  });

  it('two ranks on one device are refused', async () => {
    const ranks = await run('sameDevice', 2);
    for (const { result } of ranks) {
      expect(codeOf(result)).toBe(1);
      expect(textOf(result)).toMatch(/rank \d and rank \d use the same device 0/);
    }
  });

  it('is set up by a rank table too, and says what is wrong with one', async () => {
    const device = (id: number) => ({
      device_id: String(id),
      device_ip: `192.168.1.${id}`,
      rank_id: String(id),
    });
    const table = (changes: object = {}) => ({
      status: 'completed',
      version: '1.0',
      server_count: '1',
      server_list: [{ server_id: 'node_0', device: [device(0), device(1)] }],
      ...changes,
    });
    const env = { HCCL_IF_BASE_PORT: String(20_000 + (process.pid % 20_000)) };
    const good = folder();
    writeFileSync(join(good, 'table.json'), JSON.stringify(table()));
    const ranks = await run('rankTable', 2, { at: good, env });
    expect(ranks.map(({ result }) => result?.value)).toEqual([[3], [3]]);
    const bad = folder();
    writeFileSync(join(bad, 'table.json'), JSON.stringify(table({ status: 'initializing' })));
    const [first] = await run('rankTable', 2, { at: bad, start: 1, env });
    expect(codeOf(first?.result?.joined)).toBe(1);
    expect(textOf(first?.result?.joined)).toMatch(/EI0004: .*status must be completed/);
  });

  it.each([
    ['Ascend910B3', { 'a broadcast': 0, 'a sum of bfloat16': 0 }],
    ['Ascend910A', { 'a broadcast': 0, 'a sum of bfloat16': 5 }],
    ['Ascend310P3', { 'a broadcast': 5, 'a sum of bfloat16': 5, 'an unknown root': 5 }],
  ])('refuses what breaks a rule on %s', async (soc, special) => {
    const [first] = await run('preconditions', 1, { env: { OMMA_ASCEND_SIM_SOC: soc } });
    const codes = Object.fromEntries(
      Object.entries(first?.result ?? {}).map(([name, value]) => [name, codeOf(value)]),
    );
    expect(codes).toEqual({
      'root info without a device': 15,
      'a root info of zeros': 1,
      'a rank beyond the last': 1,
      'no ranks': 1,
      'host memory': 1,
      'more than the buffer': 1,
      'an address between elements': 1,
      'no buffer': 2,
      'a sum of uint8': 5,
      'an unknown type': 1,
      'an unknown root': 1,
      'no communicator': 1,
      'nothing to do': 0,
      'a rank table that is not there': 10,
      ...special,
    });
    expect(textOf(first?.result?.['host memory'])).toMatch(
      /EI0003: .*HcclAllReduce.*not wholly inside memory/,
    );
  });
});

it.runIf(missing !== null)('the simulated HCCL is not tested here', ({ skip }) => skip(missing ?? ''));
