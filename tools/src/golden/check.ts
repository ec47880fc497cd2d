/** One golden file on one device: recognises the format, runs it, and collects what failed. */

import { readFileSync } from 'node:fs';
import { type Device, OmmaError } from '@omma/core';
import { checkCases } from './cases.ts';
import type { Finding } from './compare.ts';
import { asObject, GoldenFileError } from './json.ts';
import { checkTraining } from './training.ts';

export interface FileReport {
  readonly checked: number;
  /** One line a failing case. */
  readonly failures: readonly string[];
}

/** Checks the file at `path`. Throws GoldenFileError, with the path, when it is of neither format. */
export async function checkFile(path: string, device: Device): Promise<FileReport> {
  try {
    return await checkContent(readJson(path), device);
  } catch (error) {
    if (error instanceof OmmaError) throw new GoldenFileError(`${path}: ${error.message}`);
    throw error;
  }
}

async function checkContent(content: unknown, device: Device): Promise<FileReport> {
  const file = asObject(content, 'the file');
  if ('cases' in file) {
    const failures: string[] = [];
    let checked = 0;
    await checkCases(file, device, ({ id, findings }) => {
      checked++;
      failures.push(...failureLines(id, findings));
    });
    return { checked, failures };
  }
  if ('trace' in file && 'net' in file) {
    const findings = await checkTraining(file, device);
    return {
      checked: findings.length,
      failures: findings.flatMap((finding) => failureLines(finding.what, [finding])),
    };
  }
  throw new GoldenFileError(
    'is neither an operator file (with "cases") nor a training trace (with "net" and "trace")',
  );
}

/** One line, with the check that is furthest off, or nothing when all hold. */
function failureLines(id: string, findings: readonly Finding[]): string[] {
  const failed = findings.filter(({ failure }) => failure !== '').sort((a, b) => b.error - a.error);
  const [worst] = failed;
  if (worst === undefined) return [];
  const others = failed.length > 1 ? ` (and ${failed.length - 1} more)` : '';
  const what = worst.what === id ? '' : ` ${worst.what}:`;
  return [`${id}:${what} largest error ${worst.error.toPrecision(3)}: ${worst.failure}${others}`];
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new GoldenFileError(
      `cannot be read as JSON: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
    );
  }
}
