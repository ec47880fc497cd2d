/**
 * The version of CANN that the loaded library says it is: newer releases have a function for it. A toolkit's files say it too, but not every
 * package has them where they are looked for.
 */

import { cannVersionBytes, packageCann } from './constants.ts';
import { success } from './errors.ts';
import type { Acl } from './library.ts';

/** For example `8.1.RC1`; null where the library has no such function, or what it says is no version. */
export function cannVersion(acl: Pick<Acl, 'getCannVersion'>): string | null {
  if (acl.getCannVersion === null) return null;
  const bytes = new Uint8Array(cannVersionBytes);
  if (acl.getCannVersion(packageCann, bytes) !== success) return null;
  const text = new TextDecoder().decode(bytes.subarray(0, Math.max(bytes.indexOf(0), 0)));
  return /^\d+\.\d+\S*$/.test(text) ? text : null;
}
