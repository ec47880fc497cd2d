/** `omma checkpoint inspect`: what a file of weights holds. */

import { type InspectedTensor, type Inspection, inspectWeights } from '@omma/engine';
import pc from 'picocolors';
import { withWeightProgress } from '../../terminal/byteProgress.ts';
import { formatBytes, formatCount, formatNumber } from '../../terminal/format.ts';
import { type Column, formatTable } from '../../terminal/table.ts';
import { toJson } from './choice.ts';

export interface InspectOptions {
  readonly all?: boolean;
  readonly numbers: boolean;
  readonly json?: boolean;
}

/** Parts that are weights of a model: what is listed unless all is asked for. */
const weightParts = ['weights', 'state_dict', 'model', 'model_state_dict'];

export async function inspect(path: string, { all, numbers, json }: InspectOptions): Promise<void> {
  const inspection = await withWeightProgress('reading', (listeners) =>
    inspectWeights(path, { numbers, ...listeners }),
  );
  if (json === true) {
    process.stdout.write(`${toJson(inspection)}\n`);
    return;
  }
  const listed = inspection.tensors.filter(({ part }) => all === true || weightParts.includes(part));
  const lines = [...headLines(inspection), '', partTable(inspection), '', tensorTable(listed, numbers)];
  process.stdout.write(`${[...lines, ...warnings(inspection, listed.length)].join('\n')}\n`);
}

function headLines({ path, format, bytes, checksum, manifest, metadata }: Inspection): string[] {
  const checks = {
    verified: 'checksum verified',
    crc32: "PyTorch's CRC-32 of each tensor verified",
    none: 'no checksum',
    'not read': 'numbers not read',
  };
  const first = `${pc.bold(path)}  ${format}, ${formatBytes(bytes)}, ${checks[checksum]}`;
  const said = Object.entries(metadata).map(([key, value]) => `  ${key}: ${brief(value)}`);
  if (manifest === null) return [first, ...said];
  const { epoch, iteration, seed, classes, metrics, version } = manifest;
  const scores = Object.entries(metrics).map(([name, value]) => `, ${name} ${formatNumber(value)}`);
  const run = `epoch ${epoch}, iteration ${iteration}, seed ${seed}, ${classes.length} classes${scores.join('')}; written by Omma ${version}`;
  return [first, run, ...said];
}

const longest = 100;

/** A value in one line. */
function brief(value: unknown): string {
  const text = typeof value === 'string' ? value.trim() : toJson(value);
  if (text.length <= longest && !text.includes('\n')) return text;
  return pc.dim(`${text.length} characters (--json shows them)`);
}

function partTable({ tensors }: Inspection): string {
  const parts = [...new Set(tensors.map(({ part }) => part))];
  const columns: Column[] = [
    { title: 'part' },
    { title: 'tensors', align: 'right' },
    { title: 'numbers', align: 'right' },
    { title: 'size', align: 'right' },
  ];
  const rows = parts.map((name) => {
    const own = tensors.filter(({ part }) => part === name);
    const numbers = own.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    const size = own.reduce((sum, { bytes }) => sum + bytes, 0);
    return [name, String(own.length), formatCount(numbers), formatBytes(size)];
  });
  return formatTable(columns, rows);
}

function tensorTable(tensors: readonly InspectedTensor[], numbers: boolean): string {
  const columns: Column[] = [
    { title: 'name' },
    { title: 'dtype' },
    { title: 'shape' },
    { title: 'size', align: 'right' },
  ];
  const measured = ['min', 'max', 'mean', 'std'].map((title): Column => ({ title, align: 'right' }));
  return formatTable(
    numbers ? [...columns, ...measured, { title: '' }] : columns,
    tensors.map(({ name, dtype, shape, bytes, statistics }) => {
      const own = [name, dtype, `[${shape.join(', ')}]`, formatBytes(bytes)];
      if (statistics === null) return own;
      const { min, max, mean, std, nonFinite } = statistics;
      const values = [min, max, mean, std].map((value) => (value === null ? '-' : formatNumber(value)));
      return [...own, ...values, nonFinite > 0 ? pc.red(`${nonFinite} not finite`) : ''];
    }),
  );
}

function warnings({ tensors }: Inspection, listed: number): string[] {
  const bad = tensors.filter(({ statistics }) => (statistics?.nonFinite ?? 0) > 0);
  const lines =
    listed < tensors.length ? ['', pc.dim(`${tensors.length - listed} more tensors: --all lists them`)] : [];
  if (bad.length === 0) return lines;
  const names = bad.slice(0, 5).map(({ name }) => name);
  const rest = bad.length > names.length ? ` and ${bad.length - names.length} more` : '';
  return [...lines, '', pc.yellow(`warning: values that are NaN or infinite in ${names.join(', ')}${rest}`)];
}
