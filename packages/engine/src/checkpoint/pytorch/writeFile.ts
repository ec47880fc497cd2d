/**
 * Writes a file that `torch.load` reads, also with `weights_only=True`: the layout of PyTorch 1.6 and later. One tensor is held at a time.
 */

import type { FileHandle } from 'node:fs/promises';
import { fileTensorBytes } from '@omma/nn';
import { replaceAtomically, writeAll } from '@omma/storage';
import { namedBy, type WriteOptions } from '../safetensorsFile.ts';
import { type PickleWritable, writePickle } from './pickleWriter.ts';
import { ZipWriter } from './zipWriter.ts';

/** The archive's folder; PyTorch takes any. */
const folder = 'archive';
/** What the archive adds for one member at most: headers, names, padding. */
const memberBytes = 256;

/** Writes `value` to `path` atomically and returns its path. */
export async function writePyTorchFile(
  path: string,
  value: PickleWritable,
  { onProgress = () => {}, nameBy }: WriteOptions = {},
): Promise<string> {
  const { bytes, storages } = writePickle(value);
  const sizes = [...storages.values()].map(fileTensorBytes);
  const total = sizes.reduce((sum, size) => sum + size + memberBytes, bytes.length);
  const write = async (file: FileHandle): Promise<void> => {
    const zip = new ZipWriter((part, position) => writeAll(file, part, position));
    await zip.add(`${folder}/data.pkl`, bytes);
    await zip.add(`${folder}/byteorder`, Buffer.from('little'));
    for (const [key, tensor] of storages) {
      await zip.add(`${folder}/data/${key}`, await tensor.read());
      onProgress(Math.min(zip.position, total), total);
    }
    await zip.add(`${folder}/version`, Buffer.from('3\n'));
    await zip.end();
    onProgress(total, total);
  };
  return replaceAtomically(path, total, write, namedBy(path, nameBy));
}
