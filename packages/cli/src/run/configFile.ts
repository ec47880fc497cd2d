/** Config files for the commands that look at configs and run nothing. */

import '@omma/classification';
import { type ConfigDict, isOpenMMLab, readConfigFile, translateOpenMMLab } from '@omma/engine';
import pc from 'picocolors';

export interface ReadingOptions {
  readonly packagePath: readonly string[];
}

/** A config with what it inherits. Warnings go to standard error. */
export function readConfig(file: string, { packagePath }: ReadingOptions): Promise<ConfigDict> {
  return readConfigFile(file, { packageFolders: packagePath, onWarning: warn });
}

export function warn(message: string): void {
  process.stderr.write(`${pc.yellow(`warning: ${message}`)}\n`);
}

/** A config in Omma's terms, as far as it has an equivalent. */
export function inOmmaTerms(config: ConfigDict): ConfigDict {
  return isOpenMMLab(config) ? translateOpenMMLab(config).config : config;
}
