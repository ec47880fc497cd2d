/** Runs the simulator's atc in a scratch folder and reads what it wrote. */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingInSimulator, simulatorHome } from '../support/simulator.ts';

export const atcPath = join(simulatorHome, 'bin/atc');

/** Why there is no atc to test, or null. */
export const missing = missingInSimulator('bin/atc');

export interface Tensor {
  readonly name: string;
  readonly onnxName: string;
  readonly dataType: number;
  readonly format: number;
  readonly dims: readonly number[];
  readonly originDims: readonly number[];
  readonly gearDims: readonly (readonly number[])[];
  readonly bytes: number;
}

export interface OfflineModel {
  readonly header: {
    readonly socVersion: string;
    readonly socFamily: string;
    readonly precisionMode: string;
    readonly toolkit: string;
    readonly inputs: readonly Tensor[];
    readonly outputs: readonly Tensor[];
    readonly gears: { readonly kind: string; readonly values: readonly (readonly number[])[] };
    readonly workBytes: number;
    readonly weightBytes: number;
    readonly aiCpuNodes: readonly string[];
  };
  readonly onnx: Uint8Array;
}

export interface AtcResult {
  readonly status: number;
  readonly stdout: string;
  /** The id of the first line that has one: E10001, W11001. */
  readonly id: string | null;
  readonly om: OfflineModel | null;
  /** The offline model as it was written. */
  readonly omBytes: Uint8Array | null;
  /** Other files it left in its working directory, as text. */
  readonly left: Readonly<Record<string, string>>;
}

export interface AtcInput {
  readonly model?: Uint8Array;
  readonly flags?: Readonly<Record<string, string>>;
  /** Files beside the model, by name; a flag's value `@name` becomes its path. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly environment?: Readonly<Record<string, string>>;
}

const idLine = /^([EW][0-9A-Z]\d{4}):\s*(?:\[PID: ?\d+\]\s*)?(?:\d{4}-\d\d-\d\d-[\d:.]+\s*)?(.*)$/m;

/** `atc --framework=5 --model --output --soc_version=Ascend910B3` and the flags given; an empty value leaves a flag out. */
export async function runAtc({
  model,
  flags = {},
  files = {},
  environment = {},
}: AtcInput): Promise<AtcResult> {
  const folder = mkdtempSync(join(tmpdir(), 'omma-atc-'));
  try {
    if (model !== undefined) writeFileSync(join(folder, 'model.onnx'), model);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const standard = {
      framework: '5',
      model: join(folder, 'model.onnx'),
      output: join(folder, 'out'),
      soc_version: 'Ascend910B3',
    };
    const all = Object.entries({ ...standard, ...flags }).filter(([, value]) => value !== '');
    const args = all.map(
      ([name, value]) => `--${name}=${value.startsWith('@') ? join(folder, value.slice(1)) : value}`,
    );
    const { status, stdout } = await run(args, folder, environment);
    const om = join(folder, 'out.om');
    const omBytes = existsSync(om) ? readFileSync(om) : null;
    const known = ['model.onnx', 'out.om', ...Object.keys(files)];
    const left = readdirSync(folder, { withFileTypes: true }).filter((entry) => !known.includes(entry.name));
    return {
      status,
      stdout,
      id: idLine.exec(stdout)?.[1] ?? null,
      om: omBytes === null ? null : readOm(omBytes),
      omBytes,
      left: Object.fromEntries(
        left.map((entry) => [
          entry.name,
          entry.isFile() ? readFileSync(join(folder, entry.name), 'utf8') : '',
        ]),
      ),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function run(
  args: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>>,
): Promise<{ status: number; stdout: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(atcPath, args, { cwd, env: { ...process.env, ...environment } });
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ status: code ?? -1, stdout }));
  });
}

/** The simulator's container: magic, version, bytes of the header, bytes of the ONNX file, checksum, header, ONNX. */
export function readOm(bytes: Uint8Array): OfflineModel {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerEnd = 32 + view.getUint32(12, true);
  return {
    header: JSON.parse(new TextDecoder().decode(bytes.subarray(32, headerEnd))),
    onnx: bytes.slice(headerEnd),
  };
}
