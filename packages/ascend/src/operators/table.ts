/**
 * Reads the operator table (`packages/ascend/operators`) and finds rows in it: operators, kernels, chips, toolkits.
 *
 * The files are read once, when first asked for. They belong to the package, so a damaged one is a defect and not a user's mistake.
 */

import { readFileSync } from 'node:fs';
import { OmmaError } from '@omma/core';
import {
  type Family,
  type Kernel,
  type Operator,
  operatorFile,
  type SocRow,
  socFile,
  type Toolkit,
  toolkitFile,
} from './schema.ts';
import { compareVersions } from './version.ts';

/** One chip with the family it belongs to. */
export interface Soc extends Omit<SocRow, 'family'> {
  readonly family: Family;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** A file of the table, parsed. The folder lies beside both `src` and `dist`. */
function file(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../operators/${name}`, import.meta.url), 'utf8'));
}

const operators = once(() => {
  const table = operatorFile.parse(file('operators.json'));
  return {
    operators: new Map(table.operators.map((row) => [operatorKey(row.domain ?? '', row.onnx), row])),
    kernels: new Map(table.kernels.map((row) => [row.ge, row])),
  };
});

const socs = once(() => socFile.parse(file('socs.json')));

const toolkits = once(() => toolkitFile.parse(file('toolkits.json')).toolkits);

const operatorKey = (domain: string, onnx: string) =>
  domain === '' || domain === 'ai.onnx' ? onnx : `${domain}::${onnx}`;

export function operatorRow(domain: string, onnx: string): Operator | null {
  return operators().operators.get(operatorKey(domain, onnx)) ?? null;
}

export function operatorRows(): readonly Operator[] {
  return [...operators().operators.values()];
}

export function kernelRow(ge: string): Kernel | null {
  return operators().kernels.get(ge) ?? null;
}

export function kernelRows(): readonly Kernel[] {
  return [...operators().kernels.values()];
}

/** The chip of this name: `Ascend910B3`, `910B3`, or a family's name where it has a usual chip (`310P`). Case does not matter. */
export function findSoc(name: string): Soc {
  const { families, socs: rows } = socs();
  const wanted = name.toLowerCase().replace(/^ascend/, '');
  const row =
    rows.find((candidate) => candidate.name.toLowerCase() === `ascend${wanted}`) ??
    rows.find(({ aliases }) => aliases.some((alias) => alias.toLowerCase() === wanted));
  const family = families.find((candidate) => candidate.name === row?.family);
  if (row === undefined || family === undefined) {
    throw new OmmaError(
      `no Ascend chip is called ${JSON.stringify(name)}; known are ${socNames().join(', ')} (what aclrtGetSocName or npu-smi info says)`,
    );
  }
  return { ...row, family };
}

export function socNames(): readonly string[] {
  return socs().socs.map(({ name }) => name);
}

/** What is known of a CANN release: the row of the newest listed release that is not newer than it. */
export function findToolkit(version: string): Toolkit {
  const known = toolkits().filter((row) => compareVersions(row.version, version) <= 0);
  const newest = known.at(-1);
  if (newest === undefined) {
    throw new OmmaError(
      `CANN ${version} is older than what is known: ${toolkits()
        .map((row) => row.version)
        .join(', ')}`,
    );
  }
  return newest;
}

export function toolkitVersions(): readonly string[] {
  return toolkits().map(({ version }) => version);
}
