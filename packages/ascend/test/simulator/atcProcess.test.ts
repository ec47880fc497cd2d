/** The simulator's atc as a process: its modes, what it leaves in its working directory, how it hangs, which offline models it can read again. */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type AtcResult, atcPath, missing, runAtc } from './atc.ts';
import { onnxFile } from './onnxFile.ts';

const model = onnxFile({
  inputs: [['x', 'float32', [1, 4]]],
  outputs: [['y', 'float32', [1, 4]]],
  nodes: [
    { op: 'Mul', inputs: ['x', 'k'], outputs: ['m'] },
    { op: 'Relu', inputs: ['m'], outputs: ['y'] },
  ],
  constants: { k: { element: 'float32', dims: [4], values: [1, 2, 3, 4] } },
  opset: 13,
});

/** `atc --mode=6` on a file. */
function read(om: Uint8Array): Promise<AtcResult> {
  return runAtc({ flags: { mode: '6', om: '@read.om' }, files: { 'read.om': om } });
}

async function built(): Promise<Uint8Array> {
  const { omBytes, stdout } = await runAtc({ model });
  expect(omBytes, stdout).not.toBeNull();
  return Uint8Array.from(omBytes ?? []);
}

describe.skipIf(missing !== null)(`atc as a process${missing === null ? '' : ` (${missing})`}`, () => {
  test('leaves the files of the real tool in its working directory', async () => {
    const { left } = await runAtc({ model });
    expect(Object.keys(left).sort()).toEqual(['fusion_result.json', 'kernel_meta']);
  });

  test('writes no file when it fails', async () => {
    const { left, omBytes } = await runAtc({ model, flags: { soc_version: 'Ascend910Z' } });
    expect(omBytes).toBeNull();
    expect(left).toEqual({});
  });

  test('prints its help', async () => {
    const text = await helpText();
    expect(text).toContain('ATC start working now');
    expect(text).toContain('--precision_mode_v2');
  });

  test('compiles for an older toolkit, within its opsets', async () => {
    const { om, stdout } = await runAtc({ model, environment: { OMMA_ASCEND_SIM_CANN: '6.0.1' } });
    expect(om?.header.toolkit, stdout).toBe('6.0.1');
  });

  test('--mode=3 reports every node', async () => {
    const { status, left } = await runAtc({ model, flags: { mode: '3', output: '' } });
    expect(status).toBe(0);
    expect(JSON.parse(left['check_result.json'] ?? '')).toEqual({
      op: [
        { name: 'Mul_0', type: 'Mul', result: 'success' },
        { name: 'Relu_1', type: 'Relu', result: 'success' },
      ],
    });
  });

  test('--mode=1 and --mode=6 tell what an offline model is', async () => {
    const om = await built();
    const shown = await read(om);
    expect(shown.status).toBe(0);
    expect(shown.stdout).toContain('soc_version[Ascend910B3]');
    expect(shown.stdout).toContain('Relu_1:0:y [1,4] 16 B');
    const json = await runAtc({
      flags: { mode: '1', om: '@read.om', json: '@read.json' },
      files: { 'read.om': om },
    });
    expect(JSON.parse(json.left['read.json'] ?? '')).toMatchObject({
      soc_version: 'Ascend910B3',
      input: [{ name: 'x' }],
    });
  });

  test('an offline model that is cut off, changed or foreign is refused', async () => {
    const om = await built();
    const changed = (at: number) => om.map((byte, i) => (i === at ? byte ^ 1 : byte));
    const broken = [0, 7, 31, 32, 200, om.length - 1].map((length) => om.subarray(0, length));
    broken.push(
      changed(0),
      changed(8),
      changed(12),
      changed(16),
      changed(24),
      changed(40),
      changed(om.length - 1),
    );
    broken.push(Uint8Array.from([...om, 0]));
    for (const bytes of broken) expect((await read(bytes)).id).toBe('E10041');
    expect((await read(om)).id).toBeNull();
  });

  test('an injected hang lasts until the process is ended', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'omma-atc-'));
    try {
      writeFileSync(join(folder, 'm.onnx'), model);
      const args = ['--framework=5', '--model=m.onnx', '--output=o', '--soc_version=Ascend910B3'];
      const child = spawn(atcPath, args, {
        cwd: folder,
        env: { ...process.env, OMMA_ASCEND_SIM_FAULT: 'atc-hang' },
      });
      const closed = new Promise<NodeJS.Signals | null>((resolve) =>
        child.on('close', (_, signal) => resolve(signal)),
      );
      const first = await Promise.race([
        closed,
        new Promise((resolve) => setTimeout(resolve, 1000, 'still there')),
      ]);
      expect(first).toBe('still there');
      child.kill('SIGTERM');
      expect(await closed).toBe('SIGTERM');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

function helpText(): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(atcPath, ['--help']);
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', () => resolve(text));
  });
}
