/** Numbers of CANN releases (`7.0.0`, `8.1.RC1`) and ranges of operator sets (`8,12-18`), as the table writes them. */

import { OmmaError } from '@omma/core';

/** Negative, zero or positive as `a` is older than, the same as, or newer than `b`. A release candidate is older than its release. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parts(a), parts(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** `8.1.RC1` as 8, 1, and a number below zero for the candidate. */
function parts(version: string): number[] {
  const match = /^\d+(?:\.\d+)*(?:\.(?:rc|alpha|beta)\d*)?/i.exec(version);
  if (match === null) {
    throw new OmmaError(`CANN version should look like 7.0.0 or 8.1.RC1 but is ${JSON.stringify(version)}`);
  }
  return match[0].split('.').map((part) => {
    const candidate = /^[a-z]+(\d*)$/i.exec(part);
    return candidate === null ? Number(part) : Number(candidate[1] || 0) - 1000;
  });
}

/** Whether `version` lies in a range such as `<7.0.0` or `>=7.0.0`. */
export function inVersionRange(version: string, range: string): boolean {
  const below = range.startsWith('<');
  const order = compareVersions(version, range.replace(/^(?:<|>=)/, ''));
  return below ? order < 0 : order >= 0;
}

/** Whether a list such as `8,12-18` has `opset`. */
export function hasOpset(list: string, opset: number): boolean {
  return list
    .split(',')
    .filter((part) => part !== '')
    .some((part) => {
      const [from = 0, to = from] = part.split('-').map(Number);
      return opset >= from && opset <= to;
    });
}
