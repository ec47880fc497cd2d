/** All benchmarks, in the order of the table. */

import type { Benchmark, Setting } from './benchmark.ts';
import { boardBenchmark } from './boardBenchmark.ts';
import { dataBenchmark, flowers, originals } from './dataBenchmark.ts';
import { engineOverheadBenchmark } from './engineOverhead.ts';
import { memoryBenchmark } from './memoryBenchmark.ts';
import { ommaKeeping, ommaOnCpu, onnxRuntime, type Peer } from './peers.ts';
import { ranksBenchmark } from './ranksBenchmark.ts';
import { recipeBenchmark } from './recipeBenchmark.ts';
import { simulatorBenchmark } from './simulatorBenchmark.ts';
import { compileBenchmark, helpBenchmark } from './startBenchmark.ts';
import { type JobPlan, stepBenchmark } from './stepBenchmark.ts';

const resnet50: JobPlan = { kind: 'train', model: 'resnet50', batch: 16, size: 224, dtype: 'float32' };
const mobileNet: JobPlan = { kind: 'train', model: 'mobilenet_v2', batch: 16, size: 112, dtype: 'float32' };
const resnet18: JobPlan = { kind: 'train', model: 'resnet18', batch: 8, size: 64, dtype: 'float32' };

const eager = ({ torch }: Setting): Peer[] => torch.map((peers) => peers.eager);
const eagerAndCompiled = ({ torch }: Setting): Peer[] =>
  torch.flatMap((peers) => (peers.compiled === null ? [peers.eager] : [peers.eager, peers.compiled]));

export const catalogue: readonly Benchmark[] = [
  stepBenchmark(resnet50, eagerAndCompiled),
  stepBenchmark({ ...resnet50, dtype: 'bfloat16' }, eagerAndCompiled),
  stepBenchmark({ ...resnet50, kind: 'infer' }, (setting) => [onnxRuntime, ...eager(setting)]),
  stepBenchmark({ ...resnet50, kind: 'infer', dtype: 'bfloat16' }, (setting) => [
    onnxRuntime,
    ...eager(setting),
  ]),
  stepBenchmark(mobileNet, eagerAndCompiled),
  stepBenchmark(resnet18, eagerAndCompiled),
  stepBenchmark({ ...resnet50, batch: 8, recompute: true }, () => [ommaKeeping]),
  stepBenchmark({ ...resnet18, device: 'onnx' }, () => [ommaOnCpu]),
  simulatorBenchmark(resnet18),
  ranksBenchmark,
  memoryBenchmark(resnet50),
  engineOverheadBenchmark,
  compileBenchmark(resnet50),
  helpBenchmark,
  boardBenchmark,
  dataBenchmark({
    title: 'data: 256 photos of 128 px, random crop to 112, one core',
    size: 112,
    folder: flowers,
  }),
  dataBenchmark({
    title: 'data: 256 photos of 500x375, random crop to 224, one core',
    size: 224,
    folder: originals,
  }),
  recipeBenchmark({
    title: 'flowers, ResNet-18 from scratch, 112x112, 10 epochs, whole run',
    recipe: 'flowers',
    config: 'configs/resnet18_flowers.ts',
    folder: 'tf-flowers-128',
  }),
  recipeBenchmark({
    title: 'MNIST, narrow ResNet-18, 3 epochs, whole run',
    recipe: 'mnist',
    config: 'configs/resnet18_mnist.ts',
    folder: 'mnist',
  }),
];
