/** `omma config types`: every type that a config can name, by registry. */

import '@omma/classification';
import { placeText, type RegisteredType, registeredTypes } from '@omma/engine';
import { formatTable } from '../../terminal/table.ts';

export function configTypes({ json }: { readonly json?: boolean }): void {
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
