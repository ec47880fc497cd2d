/** All operators that can be imported, by their ONNX name. */

import type { Importer } from '../context.ts';
import { contractions } from './contract.ts';
import { elementwise } from './elementwise.ts';
import { indexing } from './indexing.ts';
import { reductions } from './reduce.ts';
import { resizing } from './resize.ts';
import { views } from './view.ts';
import { windows } from './window.ts';

export const importers: Readonly<Record<string, Importer>> = {
  ...contractions,
  ...elementwise,
  ...indexing,
  ...reductions,
  ...resizing,
  ...views,
  ...windows,
};
