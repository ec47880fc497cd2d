/**
 * `npm run demo [-- --data DIR]`: trains a ResNet-18 on pictures, evaluates it, exports it to ONNX, runs the exported model, and writes
 * one HTML page about all of it. Takes at most four minutes on two cores.
 */

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exportModel, trainingReport } from '@omma/cli';
import { type EvaluationEvent, Runner } from '@omma/engine';
import { runTool } from '../commandLine.ts';
import { accuracyChart, confusionChart, lossChart } from './charts.ts';
import { chooseData, type DataSource } from './dataSource.ts';
import { makeGallery } from './gallery.ts';
import { Journal } from './journal.ts';
import { renderPage } from './page.ts';
import { type Recipe, settleRecipe } from './recipe.ts';

interface DemoOptions {
  readonly data: string | undefined;
  readonly out: string;
  readonly device: string;
}

/** A machine that became slower than its trial stops here, with what it has learned. */
const mostTrainingMs = 170_000;

const usage = `usage: npm run demo [-- options]

  --data DIR     your own pictures, in one folder a class; flowers unless given
  --out DIR      where the page and the model go; out/demo unless given
  --device NAME  auto unless given
`;

const say = (line: string) => process.stdout.write(`${line}\n`);

async function demo({ data, out, device }: DemoOptions): Promise<void> {
  const started = performance.now();
  await mkdir(out, { recursive: true });
  const source = await chooseData(data, '.cache/demo', say);
  say(`pictures: ${source.root}`);
  const workDir = join(out, 'run');
  await rm(workDir, { recursive: true, force: true });
  const recipe = await settleRecipe(source.root, workDir, device, say);

  const journal = new Journal();
  const { checkpoint, evaluation } = await trainAndEvaluate(recipe, journal);
  const onnxFile = join(out, 'model.onnx');
  await exportModel(checkpoint, { out: onnxFile, opset: '17', check: true, device });
  const gallery = await makeGallery(checkpoint, onnxFile, source.root);
  say(
    `ran ${onnxFile} on ${gallery.pictures.length} pictures: largest difference ${gallery.difference.toExponential(1)}`,
  );

  const page = join(out, 'index.html');
  const seconds = (performance.now() - started) / 1000;
  await writeFile(
    page,
    await pageFor({ source, recipe, journal, evaluation, gallery, checkpoint, onnxFile, seconds }),
  );
  say(`\n${page}  (${seconds.toFixed(0)} s in all)`);
}

async function trainAndEvaluate(
  recipe: Recipe,
  journal: Journal,
): Promise<{ checkpoint: string; evaluation: EvaluationEvent }> {
  const report = trainingReport(process.stdout);
  const enough = new AbortController();
  const timer = setTimeout(() => enough.abort(), mostTrainingMs);
  const runner = await Runner.create(recipe.config, {
    signal: enough.signal,
    onEvent: (event) => {
      journal.add(event);
      report(event);
    },
  });
  try {
    const end = await runner.train();
    const checkpoint = end.bestCheckpoint ?? end.lastCheckpoint;
    if (checkpoint === null) throw new Error('training ended without a checkpoint');
    return { checkpoint, evaluation: await runner.test(checkpoint) };
  } finally {
    clearTimeout(timer);
    await runner.dispose();
  }
}

interface Outcome {
  readonly source: DataSource;
  readonly recipe: Recipe;
  readonly journal: Journal;
  readonly evaluation: EvaluationEvent;
  readonly gallery: Awaited<ReturnType<typeof makeGallery>>;
  readonly checkpoint: string;
  readonly onnxFile: string;
  readonly seconds: number;
}

async function pageFor(outcome: Outcome): Promise<string> {
  const { source, recipe, journal, evaluation, gallery, checkpoint, onnxFile } = outcome;
  const found = evaluation.details.confusionMatrix;
  const matrix = isMatrix(found) ? found : [];
  const start = journal.start;
  const precision = start === null || start.amp === 'off' ? 'float32' : `${start.amp} mixed precision`;
  return renderPage({
    title: `ResNet-18 on ${source.title}`,
    subtitle: `Trained from scratch by Omma in TypeScript on ${start?.description ?? 'this machine'}, ${precision}.`,
    figures: [
      {
        value: `${(evaluation.metrics['accuracy/top1'] ?? 0).toFixed(1)} %`,
        label: `of ${evaluation.samples} unseen pictures right`,
      },
      { value: `${outcome.seconds.toFixed(0)} s`, label: 'from pictures to this page' },
      { value: String(recipe.epochs), label: `epochs at ${recipe.size} x ${recipe.size} pixels` },
      { value: journal.rate.toFixed(0), label: 'pictures a second in training' },
      { value: `${((start?.parameters ?? 0) / 1e6).toFixed(1)} M`, label: 'parameters' },
      { value: gallery.difference.toExponential(0), label: 'largest difference, ONNX Runtime to Omma' },
    ],
    lossChart: await lossChart(journal.losses),
    accuracyChart: await accuracyChart(journal.accuracies),
    confusionChart: await confusionChart(matrix, recipe.classes),
    perClass: matrix.map((row, label) => ({
      name: recipe.classes[label] ?? String(label),
      right: row[label] ?? 0,
      total: row.reduce((sum, count) => sum + count, 0),
    })),
    pictures: gallery.pictures,
    galleryNote: `Validation pictures through ${onnxFile} in ONNX Runtime.`,
    credit: source.credit,
    commands: [
      `npx omma predict ${checkpoint} PICTURE...`,
      `npx omma export ${checkpoint}`,
      'npm run demo -- --data FOLDER   # your own pictures, one folder a class',
    ],
  });
}

function isMatrix(value: unknown): value is number[][] {
  return (
    Array.isArray(value) &&
    value.every((row) => Array.isArray(row) && row.every((count) => typeof count === 'number'))
  );
}

function options(args: string[]): DemoOptions {
  const { values } = parseArgs({
    args,
    options: {
      data: { type: 'string' },
      out: { type: 'string', default: 'out/demo' },
      device: { type: 'string', default: 'auto' },
    },
  });
  return { data: values.data, out: values.out, device: values.device };
}

await runTool('demo', usage, async (argv) => {
  await demo(options(argv));
  return 0;
});
