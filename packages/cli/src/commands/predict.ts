/** `omma predict`: the most probable classes of pictures, as tables or JSON, and drawn on the pictures. */

import { basename, extname, join } from 'node:path';
import { classify, type Guess } from '@omma/classification';
import { OmmaError } from '@omma/core';
import { drawLabel } from '@omma/cv';
import { makeFolder, writeAtomically } from '@omma/storage';
import pc from 'picocolors';
import { openCheckpoint } from '../run/checkpointModel.ts';
import type { AmpName } from '../run/config.ts';
import { isOfflineModel, openOfflineModel } from '../run/offlineModel.ts';
import { picturesAt } from '../run/pictures.ts';
import { progressBar } from '../terminal/byteProgress.ts';
import { formatDuration, formatPercent } from '../terminal/format.ts';
import { formatTable } from '../terminal/table.ts';

export interface PredictOptions {
  readonly top: number;
  readonly out?: string;
  readonly device?: string;
  readonly amp?: AmpName;
  readonly json?: boolean;
}

const barLength = 20;

export async function predict(
  checkpoint: string,
  paths: readonly string[],
  options: PredictOptions,
): Promise<void> {
  const images = await picturesAt(paths);
  const model = isOfflineModel(checkpoint)
    ? await openOfflineModel(checkpoint, options.device)
    : await openCheckpoint(checkpoint, options);
  try {
    const progress = progressBar(process.stderr, 'pictures', (done, total, seconds) => {
      const left = formatDuration(((total - done) * seconds) / Math.max(1, done));
      return `${done} of ${total}  ${left} left`;
    });
    const onProgress = (done: number, total: number) => progress.update(done, total);
    const all = await classify(model, images, { top: options.top, onProgress }).finally(() => progress.end());
    const results = images.map((image, i) => ({ image, predictions: all[i] ?? [] }));
    const { out } = options;
    if (out !== undefined) await writePictures(out, results);
    if (options.json === true) {
      process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
      return;
    }
    const tables = results.map(({ image, predictions }) => `${pc.bold(image)}\n${guessTable(predictions)}\n`);
    process.stdout.write(tables.join('\n'));
  } finally {
    await ('runner' in model ? model.runner.dispose() : model.dispose());
  }
}

function guessTable(predictions: readonly Guess[]): string {
  const columns = [
    { title: '', align: 'right' as const },
    { title: '' },
    { title: '', align: 'right' as const },
    { title: '' },
  ];
  return formatTable(
    columns,
    predictions.map((guess, i) => [
      String(i + 1),
      guess.class,
      formatPercent(guess.probability),
      '█'.repeat(Math.round(guess.probability * barLength)),
    ]),
  );
}

/** Writes every picture with its best guess; two pictures of one name get numbers. */
async function writePictures(
  folder: string,
  results: readonly { image: string; predictions: readonly Guess[] }[],
): Promise<void> {
  await makeFolder(folder).catch((error: Error) => {
    throw new OmmaError(`${folder}: cannot create the folder (${error.message}); choose another --out`);
  });
  const used = new Set<string>();
  for (const { image, predictions } of results) {
    const [best] = predictions;
    const text = best === undefined ? '' : `${best.class} ${formatPercent(best.probability)}`;
    const name = basename(image, extname(image));
    let file = `${name}.png`;
    for (let i = 2; used.has(file); i++) file = `${name}-${i}.png`;
    used.add(file);
    await writeAtomically(join(folder, file), [await drawLabel(image, text)]);
  }
}
