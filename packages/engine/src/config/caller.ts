/** The file that called a function: where a type is registered, for people who ask what there is. */

import { fileURLToPath } from 'node:url';

/** The file whose code called `name` (`Registry.register`), as the stack names it; null where the stack does not tell. */
export function callerOf(name: string): string | null {
  const lines = new Error(name).stack?.split('\n') ?? [];
  const line = lines[lines.findIndex((text) => text.includes(`${name} (`)) + 1];
  const place = /(?:\(|at )((?:file:\/\/)?\/.*?):\d+:\d+\)?$/.exec(line ?? '')?.[1];
  if (place === undefined) return null;
  return place.startsWith('file:') ? fileURLToPath(place) : place;
}
