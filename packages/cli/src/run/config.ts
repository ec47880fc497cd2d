/** A config file with what the command line says laid over it. */

import '@omma/classification';
import { type Config, type DataloaderConfig, loadConfig } from '@omma/engine';
import { warn } from './configFile.ts';
import { movedDataset } from './datasets.ts';
import './devices.ts';

export type AmpName = 'auto' | 'bfloat16' | 'float16' | 'off';

/** The options that `train` and `test` share. */
export interface ConfigOptions {
  readonly set: readonly string[];
  readonly data?: string;
  readonly device?: string;
  readonly amp?: AmpName;
  readonly workDir?: string;
  readonly seed?: number;
  readonly json?: boolean;
}

/** Reads, checks and completes a config. The options win over the file. */
export async function configFrom(file: string, options: ConfigOptions): Promise<Config> {
  const config = await loadConfig(file, { set: options.set, onWarning: warn });
  return withData(withSettings(config, options), options.data);
}

function withSettings(config: Config, { device, amp, workDir, seed }: ConfigOptions): Config {
  return {
    ...config,
    ...(device === undefined ? {} : { device }),
    ...(workDir === undefined ? {} : { workDir }),
    ...(seed === undefined ? {} : { randomness: { ...config.randomness, seed } }),
    ...(amp === undefined ? {} : inPrecision(config, amp)),
  };
}

/** The parts of a config that say in which precision to compute, with `amp` in place of what they say. */
function inPrecision({ optimWrapper, valConfig, testConfig }: Config, amp: AmpName): Partial<Config> {
  return {
    ...(optimWrapper === undefined ? {} : { optimWrapper: { ...optimWrapper, amp } }),
    ...(valConfig?.amp === undefined ? {} : { valConfig: { ...valConfig, amp } }),
    ...(testConfig?.amp === undefined ? {} : { testConfig: { ...testConfig, amp } }),
  };
}

/** The config with every data set read from `root`. */
function withData(config: Config, root: string | undefined): Config {
  if (root === undefined) return config;
  const moved = (loader: DataloaderConfig): DataloaderConfig => ({
    ...loader,
    dataset: movedDataset(loader.dataset, root),
  });
  const { trainDataloader, valDataloader, testDataloader, ttaDataloader } = config;
  return {
    ...config,
    ...(trainDataloader === undefined ? {} : { trainDataloader: moved(trainDataloader) }),
    ...(valDataloader === undefined ? {} : { valDataloader: moved(valDataloader) }),
    ...(testDataloader === undefined ? {} : { testDataloader: moved(testDataloader) }),
    ...(ttaDataloader === undefined ? {} : { ttaDataloader: moved(ttaDataloader) }),
  };
}
