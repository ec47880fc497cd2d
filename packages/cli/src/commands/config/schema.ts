/** `omma config schema`: the JSON Schema of configs, for editors. */

import '@omma/classification';
import { configJsonSchema } from '@omma/engine';
import { textFile } from '@omma/storage';

export async function configSchemaFile({ out }: { readonly out?: string }): Promise<void> {
  const text = `${JSON.stringify(configJsonSchema())}\n`;
  if (out === undefined) process.stdout.write(text);
  else await textFile(out, text);
}
