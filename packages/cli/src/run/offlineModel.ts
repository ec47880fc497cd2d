/**
 * A `.om` file that `omma export` wrote, with the manifest beside it, as something that judges pictures: `step` takes any number of them, in every size that
 * the model was compiled for, in pieces of the batch sizes that it has.
 */

import { extname } from 'node:path';
import { AscendDevice, type Gear, type OfflineModel, type OfflineOutput } from '@omma/ascend';
import type { PictureModel, Size } from '@omma/classification';
import { at, device, type HostTensor, hostTensor, OmmaError, sizeOf } from '@omma/core';
import { buildTransforms } from '@omma/cv';
import { type OfflineManifest, readManifest } from './offlineManifest.ts';
import './devices.ts';

export interface OpenOfflineModel extends PictureModel {
  dispose(): Promise<void>;
}

type Outputs = Record<string, HostTensor>;

export function isOfflineModel(path: string): boolean {
  return extname(path).toLowerCase() === '.om';
}

/** Opens it on `name`, the first Ascend device unless given. */
export async function openOfflineModel(path: string, name = 'ascend'): Promise<OpenOfflineModel> {
  const manifest = await readManifest(path);
  const on = device(name);
  if (!(on instanceof AscendDevice))
    throw new OmmaError(`${path}: offline models run on the device ascend, not on ${name}`);
  const model = await on.openOffline(path);
  const [first] = manifest.shapes;
  const [, height = 1, width = 1] = first ?? [];
  return {
    classes: manifest.classes,
    image: { shape: [height, width, manifest.channels], dtype: 'uint8' },
    sizes: sizesOf(manifest),
    transform: buildTransforms(manifest.transforms),
    step: ({ image }) => judge(path, model, manifest, image),
    dispose: async () => {
      model.dispose();
      await on.synchronize();
    },
  };
}

/** Every height and width that it takes, each once. */
function sizesOf({ shapes }: OfflineManifest): Size[] {
  return [
    ...new Map(shapes.map(([, height, width]) => [`${height}x${width}`, [height, width] as const])).values(),
  ];
}

/** Outputs for all pictures of a batch, uint8 [N, H, W, C]. */
async function judge(
  path: string,
  model: OfflineModel,
  manifest: OfflineManifest,
  image: HostTensor | undefined,
): Promise<Outputs> {
  const [count = 0, height = 0, width = 0, channels = 0] = image?.shape ?? [];
  const batches = manifest.shapes
    .filter(([, h, w]) => h === height && w === width)
    .map(([batch]) => batch)
    .sort((a, b) => a - b);
  const pixels = image?.data;
  if (!(pixels instanceof Uint8Array) || channels !== manifest.channels || batches.length === 0) {
    const known = sizesOf(manifest).map((size) => size.join(' x '));
    throw new OmmaError(
      `${path}: takes uint8 pictures of ${known.join(', ')} with ${manifest.channels} channels, but is given ` +
        `${image === undefined ? 'none' : `${image.dtype} pictures of ${height} x ${width} with ${channels}`}; resize them, or export for that size`,
    );
  }
  const pieces: Outputs[] = [];
  for (let start = 0; start < count; ) {
    const left = count - start;
    const batch = batches.find((each) => each >= left) ?? batches.at(-1) ?? 1;
    const taken = Math.min(batch, left);
    const each = height * width * channels;
    const bytes = new Uint8Array(batch * each);
    bytes.set(pixels.subarray(start * each, (start + taken) * each));
    const shape = [batch, height, width] as const;
    const outputs = await model.run(
      { image: modelInput(manifest, bytes, shape) },
      gearOf(model, manifest, shape),
    );
    pieces.push(Object.fromEntries(outputs.flatMap((output) => rows(output, taken))));
    start += taken;
  }
  return joined(pieces);
}

/** What the model takes for bytes [N, H, W, C]: themselves, or normalised float32 [N, C, H, W]. */
function modelInput(
  { input, channels }: OfflineManifest,
  bytes: Uint8Array,
  [batch, height, width]: readonly [number, number, number],
): Uint8Array {
  if (input.type === 'bytes') return bytes;
  const plane = height * width;
  const numbers = new Float32Array(bytes.length);
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      const [mean, std] = [input.mean[c] ?? 0, input.std[c] ?? 1];
      const from = n * plane * channels + c;
      const to = (n * channels + c) * plane;
      for (let i = 0; i < plane; i++) numbers[to + i] = ((bytes[from + i * channels] ?? 0) - mean) / std;
    }
  }
  return new Uint8Array(numbers.buffer);
}

/** What the library is told before a run. */
function gearOf(
  { gears }: OfflineModel,
  { channels }: OfflineManifest,
  [batch, height, width]: readonly [number, number, number],
): Gear | null {
  if (gears.kind === 'none') return null;
  if (gears.kind === 'batch') return { kind: 'batch', size: batch };
  if (gears.kind === 'image') return { kind: 'image', height, width };
  return { kind: 'dims', dims: [batch, height, width, channels] };
}

/** The first rows of an output in float32; outputs of other types are none of ours. */
function rows({ name, dims, element, bytes }: OfflineOutput, count: number): [string, HostTensor][] {
  if (element !== 'float32') return [];
  const shape = [count, ...dims.slice(1)];
  return [[name, hostTensor(shape, 'float32', new Float32Array(bytes.buffer, 0, sizeOf(shape)))]];
}

/** The outputs of all pieces, one behind the other. */
function joined(pieces: readonly Outputs[]): Outputs {
  if (pieces.length === 1) return at(pieces, 0);
  const [first = {}] = pieces;
  return Object.fromEntries(
    Object.entries(first).map(([name, { shape }]) => {
      const parts = pieces.flatMap((piece) => piece[name] ?? []);
      const count = parts.reduce((total, part) => total + at(part.shape, 0), 0);
      const whole = [count, ...shape.slice(1)];
      const data = new Float32Array(sizeOf(whole));
      let next = 0;
      for (const part of parts) {
        if (part.data instanceof Float32Array) data.set(part.data, next);
        next += part.data.length;
      }
      return [name, hostTensor(whole, 'float32', data)];
    }),
  );
}
