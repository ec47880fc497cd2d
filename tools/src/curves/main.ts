/**
 * `node tools/dist/curves/main.js CONFIG`: trains a config on several devices and tells whether their loss curves are the same but for rounding.
 *
 * Exit code 0 when they are, 1 when one is not, 2 for wrong usage.
 */

import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import '@omma/ascend';
import '@omma/classification';
import '@omma/cpu';
import '@omma/onnx';
import { loadConfig } from '@omma/engine';
import { runTool, UsageError, wholeNumber } from '../commandLine.ts';
import { compareCurves } from './compare.ts';
import { type Curve, trainingCurve } from './curve.ts';
import { formatCurves } from './table.ts';

const usage = `usage: node tools/dist/curves/main.js CONFIG [options]

  --device NAME      the devices to compare, the first is the base; may be given several times; cpu and onnx unless given
  --moved N          runs of the base from weights moved in their last places, which tell how much is noise; 2 unless given
  --data DIR         folder of the data
  --epochs N         epochs
  --set PATH=VALUE   replaces a value of the config; may be given several times
  --json FILE        writes the curves there
`;

await runTool('curves', usage, async (argv) => {
  const { values, positionals } = read(argv);
  const [file] = positionals;
  if (file === undefined) throw new UsageError('expected a config');
  const movedRuns = wholeNumber('moved', values.moved ?? '2');
  const { device: devices = ['cpu', 'onnx'], json } = values;
  const config = await loadConfig(file, { set: settings(values) });
  const curve = async (device: string, moved: number | null) => {
    const name = moved === null ? device : `${device}, moved weights ${moved + 1}`;
    return trainingCurve(config, device, moved, (event) => {
      if (event.type === 'epoch')
        process.stderr.write(`${name}: epoch ${event.epoch + 1}, mean loss ${event.meanLoss.toFixed(4)}\n`);
    });
  };
  const [baseDevice = 'cpu', ...others] = devices;
  const base = await curve(baseDevice, null);
  const moved: Curve[] = [];
  for (let run = 0; run < movedRuns; run++) moved.push(await curve(baseDevice, run));
  const compared: Curve[] = [];
  for (const device of others) compared.push(await curve(device, null));
  const comparisons = compared.map((other) => compareCurves(base, moved, other));
  process.stdout.write(`${formatCurves([base, ...moved, ...compared], comparisons)}\n`);
  if (json !== undefined)
    await writeFile(json, `${JSON.stringify({ base, moved, compared, comparisons }, null, 1)}\n`);
  return comparisons.every(({ same }) => same) ? 0 : 1;
});

function read(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      device: { type: 'string', multiple: true },
      moved: { type: 'string' },
      data: { type: 'string' },
      epochs: { type: 'string' },
      set: { type: 'string', multiple: true },
      json: { type: 'string' },
    },
  });
}

/** Mixed precision is off: what is compared is float32. */
function settings({ data, epochs, set = [] }: ReturnType<typeof read>['values']): string[] {
  return [
    'optimWrapper.amp=off',
    ...(data === undefined
      ? []
      : [`trainDataloader.dataset.root=${data}`, `valDataloader.dataset.root=${data}`]),
    ...(epochs === undefined ? [] : [`trainConfig.maxEpochs=${epochs}`]),
    ...set,
  ];
}
