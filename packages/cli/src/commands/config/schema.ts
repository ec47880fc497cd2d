/** `omma config schema`: the JSON Schema of configs, for editors. */

import { configJsonSchema } from '@omma/engine';
import { textFile } from '@omma/storage';
import { readConfig } from '../../run/configFile.ts';

/** With the types that the modules of `file` register, when there is one. */
export async function configSchemaFile(
  file: string | undefined,
  { out }: { readonly out?: string },
): Promise<void> {
  if (file !== undefined) await readConfig(file, { packagePath: [] });
  const text = `${JSON.stringify(configJsonSchema())}\n`;
  if (out === undefined) process.stdout.write(text);
  else await textFile(out, text);
}
