/**
 * Reads what `torch.save` wrote, without Python and without running anything the file asks for: zip files of today, legacy and tar
 * files of before 1.6; state dicts, whole training checkpoints, OpenMMLab's `meta`.
 */

import { OmmaError } from '@omma/core';
import type { ByteSource } from '@omma/storage';
import { isLegacy, isTar, readLegacy, readTar } from './legacy.ts';
import type { PickleValue } from './value.ts';
import { isZip, readZip } from './zip.ts';

export { describeValue } from './describe.ts';
export type { PickleWritable } from './pickleWriter.ts';
export { stateDictOf, tensorsOf } from './stateDict.ts';
export type { PickleValue } from './value.ts';
export { Global, InertObject, TorchTensor, Tuple } from './value.ts';
export { writePyTorchFile } from './writeFile.ts';

/** Enough to recognise each format. */
const startBytes = 512;
/** What the formats of before 1.6, which can only be read as a whole, may have. */
const maxWholeBytes = 2 ** 31 - 1;

/** True for a file that begins like one of `torch.save`. */
export async function isPyTorchFile(source: ByteSource): Promise<boolean> {
  return isPyTorchStart(await source.read(0, Math.min(startBytes, source.size)));
}

/** The same of the first 512 bytes. */
export function isPyTorchStart(start: Uint8Array): boolean {
  return isZip(start) || isLegacy(start) || isTar(start);
}

/** True for the layout since PyTorch 1.6, which has a CRC-32 of each storage. */
export async function isZipFile(source: ByteSource): Promise<boolean> {
  return isZip(await source.read(0, Math.min(startBytes, source.size)));
}

/**
 * The object in a file of `torch.save`. The numbers of its tensors stay in `source` until they are read. Throws OmmaError in one line for damaged
 * files and for classes that weights do not need.
 */
export async function readPyTorch(source: ByteSource): Promise<PickleValue> {
  try {
    const start = await source.read(0, Math.min(startBytes, source.size));
    if (isZip(start)) return await readZip(source);
    if (isLegacy(start)) return readLegacy(await whole(source));
    if (isTar(start)) return await readTar(bounded(source));
  } catch (error) {
    if (error instanceof OmmaError && !error.message.startsWith(source.name))
      throw new OmmaError(`PyTorch file: ${error.message}`);
    throw error;
  }
  throw new OmmaError(`PyTorch file: ${source.size} bytes that are no file of torch.save`);
}

function whole(source: ByteSource): Promise<Uint8Array> {
  return bounded(source).read(0, source.size);
}

/** Refuses what is too large to be held in memory, as all that is not a zip file must be. */
function bounded(source: ByteSource): ByteSource {
  if (source.size <= maxWholeBytes) return source;
  throw new OmmaError(
    `${source.size} bytes in the format of before PyTorch 1.6, of which at most ${maxWholeBytes} are read; save it again with a newer PyTorch`,
  );
}
