/** Files that are something else than safetensors, told by their first bytes, so that the mistake is named and not what its bytes would mean there. */

import { isPyTorchStart } from './pytorch/index.ts';

/** Bytes that are looked at. */
export const startBytes = 512;

export type OtherFile = 'text' | 'a picture' | 'PyTorch weights';

/** What the file is that begins so; null for one that may be safetensors. */
export function otherFile(start: Uint8Array): OtherFile | null {
  if (isPyTorchStart(start)) return 'PyTorch weights';
  if (isPicture(start)) return 'a picture';
  // A length of at most 100 MB has zeros above it, and no text has.
  return start.length > 0 && start.subarray(0, 8).every(isOfText) ? 'text' : null;
}

function isOfText(byte: number): boolean {
  return byte >= 32 || byte === 9 || byte === 10 || byte === 13;
}

function isPicture(start: Uint8Array): boolean {
  const text = Buffer.from(start.subarray(0, 12)).toString('latin1');
  return /^(\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP)/s.test(text);
}
