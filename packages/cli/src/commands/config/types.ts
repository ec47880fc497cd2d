/** `omma config types`: every type that a config can name, by registry. */

import { placeText, type RegisteredType, registeredTypes } from '@omma/engine';
import { readConfig } from '../../run/configFile.ts';
import { formatTable } from '../../terminal/table.ts';

/** With those that the modules of `file` register, when there is one. */
export async function configTypes(
  file: string | undefined,
  { json }: { readonly json?: boolean },
): Promise<void> {
  if (file !== undefined) await readConfig(file, { packagePath: [] });
  const types = registeredTypes();
  process.stdout.write(json === true ? `${JSON.stringify(types, null, 2)}\n` : `${table(types)}\n`);
}

function table(types: readonly RegisteredType[]): string {
  return formatTable(
    [{ title: 'registry' }, { title: 'type' }, { title: 'registered by' }],
    types.map(({ kind, name, declaredAt }, i) => [
      // A registry is named once.
      kind === types[i - 1]?.kind ? '' : kind,
      name,
      declaredAt === null ? '' : placeText({ file: declaredAt }),
    ]),
  );
}
