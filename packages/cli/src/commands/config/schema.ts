/** `omma config schema`: the JSON Schema of configs, for editors. */

import '@omma/classification';
import { dirname } from 'node:path';
import { configJsonSchema } from '@omma/engine';
import { makeFolder, textFile } from '@omma/storage';

export async function configSchemaFile({ out }: { readonly out?: string }): Promise<void> {
  const text = `${JSON.stringify(configJsonSchema())}\n`;
  if (out === undefined) {
    process.stdout.write(text);
    return;
  }
  await makeFolder(dirname(out));
  await textFile(out, text);
}
